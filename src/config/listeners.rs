//! Where the broker listens and what it tells clients about that.

use super::key::list;
use std::fmt;

/// A host and a port, as in `NAME://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name, in capitals.
    pub name: String,
    /// A host name or an address without brackets; `None`: every interface.
    pub host: Option<String>,
    /// 0: the operating system chooses one.
    pub port: u16,
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its name, in capitals; `PLAINTEXT` unless the configuration names it otherwise.
    pub name: String,
    /// The host to bind; `None`: every interface, IPv4 and IPv6.
    pub bind_host: Option<String>,
    /// The port to bind; 0: the operating system chooses one.
    pub bind_port: u16,
    /// The host that clients are told.
    pub advertised_host: String,
    /// The port that clients are told; 0: the port that was bound.
    pub advertised_port: u16,
}

/// The words for a listener that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenerError {
    /// Not of the form `NAME://host:port`.
    #[error("'{0}' is not of the form NAME://host:port")]
    Syntax(String),
    /// No number, or one beyond 65535.
    #[error("'{0}': the port must be a number from 0 to 65535")]
    Port(String),
    /// Two listeners have one name.
    #[error("two listeners have the name {0}; each needs its own")]
    NameTwice(String),
    /// Two listeners have one port on the same host.
    #[error("two listeners have the port {0}; each needs its own")]
    PortTwice(u16),
    /// A protocol that is not served yet.
    #[error("listener {name}: the protocol {protocol} is not served yet, only PLAINTEXT")]
    Protocol {
        /// The listener.
        name: String,
        /// What it should speak.
        protocol: String,
    },
    /// The protocol map has no entry for the listener.
    #[error("listener {0} has no protocol: add {0}:PLAINTEXT to listener.security.protocol.map")]
    NoProtocol(String),
    /// Advertised but not among the listeners.
    #[error("{0} is advertised but is not among the listeners")]
    NotAListener(String),
    /// Clients cannot connect to a wildcard.
    #[error("{0} cannot be advertised: clients cannot connect to 'every interface'")]
    Wildcard(String),
    /// No listener for clients.
    #[error("there is no listener for clients")]
    None,
    /// An entry of the protocol map that is not `NAME:PROTOCOL`.
    #[error("'{0}' is not of the form NAME:PROTOCOL")]
    MapSyntax(String),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("");
        if host.contains(':') {
            write!(f, "{}://[{host}]:{}", self.name, self.port)
        } else {
            write!(f, "{}://{host}:{}", self.name, self.port)
        }
    }
}

impl Endpoint {
    /// Reads `NAME://host:port`. The host may be a name, an IPv4 address, an IPv6 address in brackets, or nothing.
    pub fn parse(text: &str) -> Result<Self, ListenerError> {
        let syntax = || ListenerError::Syntax(text.to_string());
        let (name, address) = text.trim().split_once("://").ok_or_else(syntax)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(syntax)?;
        let port = port.parse().map_err(|_| ListenerError::Port(text.to_string()))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '%' | '.' | '_' | ':');
        if name.is_empty() || !host.chars().all(allowed) {
            return Err(syntax());
        }
        let host = (!is_wildcard(host)).then(|| host.to_string());
        Ok(Self { name: name.to_ascii_uppercase(), host, port })
    }
}

fn is_wildcard(host: &str) -> bool {
    matches!(host, "" | "0.0.0.0" | "::" | "0:0:0:0:0:0:0:0")
}

/// What `listeners`, `advertised.listeners`, the protocol map and the controller's listener names say together.
#[derive(Clone, Copy, Debug)]
pub struct ListenerSettings<'a> {
    /// `listeners`.
    pub listeners: &'a str,
    /// `advertised.listeners`, if written.
    pub advertised: Option<&'a str>,
    /// `listener.security.protocol.map`.
    pub protocols: &'a str,
    /// `controller.listener.names`.
    pub controller_names: &'a str,
}

/// The listeners for clients, and those of the controller, which are not opened: the controller is inside the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// For clients, in the order of the configuration.
    pub clients: Vec<Listener>,
    /// The controller's.
    pub controllers: Vec<Endpoint>,
}

impl ListenerSettings<'_> {
    /// Puts the four together. The error names the key that is to blame.
    pub fn resolve(&self) -> Result<Listeners, (&'static str, ListenerError)> {
        let all = endpoints(self.listeners).map_err(|error| ("listeners", error))?;
        let is_controller = |endpoint: &Endpoint| {
            list(self.controller_names).iter().any(|name| name.eq_ignore_ascii_case(&endpoint.name))
        };
        let (controllers, clients): (Vec<_>, Vec<_>) = all.into_iter().partition(is_controller);
        if clients.is_empty() {
            return Err(("listeners", ListenerError::None));
        }
        unique(&clients).map_err(|error| ("listeners", error))?;
        for endpoint in &clients {
            self.check_protocol(&endpoint.name)?;
        }
        let advertised = endpoints(self.advertised.unwrap_or(""));
        let advertised = advertised.map_err(|error| ("advertised.listeners", error))?;
        for endpoint in advertised.iter().filter(|endpoint| !is_controller(endpoint)) {
            if !clients.iter().any(|client| client.name == endpoint.name) {
                return Err(("advertised.listeners", ListenerError::NotAListener(endpoint.to_string())));
            }
            if endpoint.host.is_none() {
                return Err(("advertised.listeners", ListenerError::Wildcard(endpoint.to_string())));
            }
        }
        let clients = clients.into_iter().map(|bind| listener(bind, &advertised)).collect();
        Ok(Listeners { clients, controllers })
    }

    fn check_protocol(&self, name: &str) -> Result<(), (&'static str, ListenerError)> {
        const KEY: &str = "listener.security.protocol.map";
        for entry in list(self.protocols) {
            let syntax = || (KEY, ListenerError::MapSyntax(entry.to_string()));
            let (listener, protocol) = entry.split_once(':').ok_or_else(syntax)?;
            if !listener.trim().eq_ignore_ascii_case(name) {
                continue;
            }
            let protocol = protocol.trim().to_ascii_uppercase();
            return match protocol.as_str() {
                "PLAINTEXT" => Ok(()),
                _ => Err(("listeners", ListenerError::Protocol { name: name.to_string(), protocol })),
            };
        }
        Err((KEY, ListenerError::NoProtocol(name.to_string())))
    }
}

fn endpoints(written: &str) -> Result<Vec<Endpoint>, ListenerError> {
    list(written).into_iter().map(Endpoint::parse).collect()
}

/// A listener tells clients what is advertised under its name, else its own host, else `localhost`: with every
/// interface bound, that is the one name that is right on the machine itself without asking a name server.
fn listener(bind: Endpoint, advertised: &[Endpoint]) -> Listener {
    let told = advertised.iter().find(|endpoint| endpoint.name == bind.name);
    let host = told.and_then(|endpoint| endpoint.host.clone()).or_else(|| bind.host.clone());
    Listener {
        advertised_host: host.unwrap_or_else(|| "localhost".to_string()),
        advertised_port: told.map_or(bind.port, |endpoint| endpoint.port),
        name: bind.name,
        bind_host: bind.host,
        bind_port: bind.port,
    }
}

/// Names must differ. So must ports, unless one belongs to an IPv4 and the other to an IPv6 address, or to two hosts.
fn unique(endpoints: &[Endpoint]) -> Result<(), ListenerError> {
    for (index, endpoint) in endpoints.iter().enumerate() {
        for earlier in endpoints.iter().take(index) {
            if earlier.name == endpoint.name {
                return Err(ListenerError::NameTwice(endpoint.name.clone()));
            }
            let same_host = match (&earlier.host, &endpoint.host) {
                (Some(one), Some(other)) => one == other,
                _ => true,
            };
            if same_host && earlier.port == endpoint.port && endpoint.port != 0 {
                return Err(ListenerError::PortTwice(endpoint.port));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT";

    fn resolve(listeners: &str, advertised: Option<&str>, map: &str) -> Result<Vec<Listener>, String> {
        ListenerSettings { listeners, advertised, protocols: map, controller_names: "CONTROLLER" }
            .resolve()
            .map(|listeners| listeners.clients)
            .map_err(|(key, error)| format!("{key}: {error}"))
    }

    #[test]
    fn hosts_of_every_kind() {
        for (text, host, port) in [
            ("PLAINTEXT://:9092", None, 9092),
            ("PLAINTEXT://0.0.0.0:9092", None, 9092),
            ("PLAINTEXT://[::]:9092", None, 9092),
            ("PLAINTEXT://127.0.0.1:0", Some("127.0.0.1"), 0),
            ("PLAINTEXT://[::1]:9092", Some("::1"), 9092),
            ("PLAINTEXT://::1:9092", Some("::1"), 9092),
            ("PLAINTEXT://[fe80::1%eth0]:9092", Some("fe80::1%eth0"), 9092),
            ("plaintext://kafka-1.example.org:65535", Some("kafka-1.example.org"), 65535),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!((endpoint.host.as_deref(), endpoint.port), (host, port), "{text}");
            assert_eq!(endpoint.name, "PLAINTEXT");
        }
        for text in
            ["", "9092", ":9092", "PLAINTEXT://", "PLAINTEXT://h", "://h:1", "A://h:70000", "A://h o:1"]
        {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
        assert_eq!(Endpoint::parse("A://[::1]:5").unwrap().to_string(), "A://[::1]:5");
    }

    #[test]
    fn what_clients_are_told() {
        let told = |listeners, advertised| {
            let listeners = resolve(listeners, advertised, MAP).unwrap();
            (listeners[0].advertised_host.clone(), listeners[0].advertised_port)
        };
        assert_eq!(told("PLAINTEXT://:9092", None), ("localhost".into(), 9092));
        assert_eq!(told("PLAINTEXT://10.0.0.1:9092", None), ("10.0.0.1".into(), 9092));
        assert_eq!(
            told("PLAINTEXT://:9092", Some("PLAINTEXT://b.example.org:19")),
            ("b.example.org".into(), 19)
        );
        assert!(resolve("PLAINTEXT://:9092", Some("PLAINTEXT://:9092"), MAP).is_err());
        assert!(resolve("PLAINTEXT://:9092", Some("OTHER://h:9092"), MAP).is_err());
    }

    #[test]
    fn several_listeners() {
        let map = "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT";
        let listeners = "INTERNAL://:9092,EXTERNAL://:9094,CONTROLLER://:9093";
        let names: Vec<String> = resolve(listeners, None, map).unwrap().into_iter().map(|l| l.name).collect();
        assert_eq!(names, ["INTERNAL", "EXTERNAL"]);
        assert!(resolve("A://:1,A://:2", None, "A:PLAINTEXT").unwrap_err().contains("name A"));
        assert!(resolve("A://:1,B://:1", None, "A:PLAINTEXT,B:PLAINTEXT").unwrap_err().contains("port 1"));
        assert!(resolve("A://127.0.0.1:1,B://[::1]:1", None, "A:PLAINTEXT,B:PLAINTEXT").is_ok());
        assert!(resolve("A://:0,B://:0", None, "A:PLAINTEXT,B:PLAINTEXT").is_ok());
    }

    #[test]
    fn what_is_not_served_says_so() {
        let error = resolve("SSL://:9093", None, MAP).unwrap_err();
        assert_eq!(error, "listeners: listener SSL: the protocol SSL is not served yet, only PLAINTEXT");
        let error = resolve("OUTSIDE://:9093", None, MAP).unwrap_err();
        assert!(error.contains("add OUTSIDE:PLAINTEXT to listener.security.protocol.map"), "{error}");
        assert!(resolve("CONTROLLER://:9093", None, MAP).unwrap_err().contains("no listener for clients"));
    }
}
