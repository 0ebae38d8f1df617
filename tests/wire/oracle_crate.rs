// Included by `oracle.rs` once for each release of the crate: the same names from another place.

fn reread<M: Decodable + Encodable + Message>(version: i16, bytes: &Bytes) -> Option<Result<Bytes, String>> {
    if version < M::VERSIONS.min || version > M::VERSIONS.max {
        return None;
    }
    let mut rest = bytes.clone();
    let value = match M::decode(&mut rest, version) {
        Ok(value) if rest.is_empty() => value,
        Ok(_) => return Some(Err(format!("{} bytes are left", rest.len()))),
        Err(error) => return Some(Err(error.to_string())),
    };
    let mut out = BytesMut::new();
    let written = value.encode(&mut out, version);
    Some(written.map(|()| out.freeze()).map_err(|error| error.to_string()))
}

/// What this release writes for what it reads.
pub fn again(name: &str, version: i16, bytes: &Bytes) -> Option<Result<Bytes, String>> {
    macro_rules! by_name {
        ($($message:ident)*) => {
            match name {
                $(stringify!($message) => reread::<$message>(version, bytes),)*
                _ => None,
            }
        };
    }
    for_each_message!(by_name)
}

/// The versions of the request's and the response's header. None if this release does not know the API's version.
pub fn headers(api_key: i16, version: i16) -> Option<(i16, i16)> {
    let api = ApiKey::try_from(api_key).ok()?;
    let known = api.valid_versions();
    let knows = known.min <= version && version <= known.max;
    knows.then(|| (api.request_header_version(version), api.response_header_version(version)))
}
