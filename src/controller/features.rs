//! Features: what this broker can do, and what it may say that the cluster has.

use crate::image::{FeatureRange, Image, MetadataRecord};
use crate::wire::records::FeatureLevelRecord;

/// The feature that says how the metadata log is written.
pub const METADATA_VERSION: &str = "metadata.version";
/// 4.3-IV0.
pub const METADATA_VERSION_NEWEST: i16 = 30;
/// 3.3-IV3: the oldest that Kafka 4 starts from.
pub const METADATA_VERSION_OLDEST: i16 = 7;

/// What this broker can do, with the lowest and the highest level. A feature that is not here is level 0: a log that
/// has it finalized is kept as it is, but clients are not told.
const SUPPORTED: &[(&str, i16, i16)] =
    &[(METADATA_VERSION, METADATA_VERSION_OLDEST, METADATA_VERSION_NEWEST), ("kraft.version", 0, 1)];

/// The cluster's metadata.version is none that this broker can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the metadata log is at metadata.version {0}; this broker knows {METADATA_VERSION_OLDEST} to {METADATA_VERSION_NEWEST}"
)]
pub struct MetadataVersionError(pub i16);

/// What this broker can do, as it registers itself and as ApiVersions says.
pub fn supported_features() -> Vec<FeatureRange> {
    SUPPORTED
        .iter()
        .map(|(name, min, max)| FeatureRange { name: (*name).to_owned(), min: *min, max: *max })
        .collect()
}

/// What ApiVersions may call finalized: what the log says, as far as this broker can do it. The epoch that belongs to it
/// is the image's offset.
pub fn finalized_features(image: &Image) -> Vec<(&'static str, i16)> {
    let finalized = SUPPORTED.iter().filter(|(name, ..)| image.feature(name) > 0);
    finalized.map(|(name, _, max)| (*name, image.feature(name).min(*max))).collect()
}

/// Whether this broker can go on with the log: records of another metadata.version may mean what it cannot know.
pub fn check_metadata_version(image: &Image) -> Result<(), MetadataVersionError> {
    match image.feature(METADATA_VERSION) {
        0 | METADATA_VERSION_OLDEST..=METADATA_VERSION_NEWEST => Ok(()),
        level => Err(MetadataVersionError(level)),
    }
}

/// The records that a new cluster begins with.
pub fn bootstrap_records() -> Vec<MetadataRecord> {
    vec![FeatureLevelRecord { name: METADATA_VERSION.into(), feature_level: METADATA_VERSION_NEWEST }.into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::BrokerId;

    fn image(features: &[(&str, i16)]) -> Image {
        let mut image = Image::empty("cluster", BrokerId::new(1));
        for (name, feature_level) in features {
            image.apply(&FeatureLevelRecord { name: (*name).into(), feature_level: *feature_level }.into());
        }
        image
    }

    #[test]
    fn clients_are_told_what_the_broker_can_do() {
        let kafka = image(&[(METADATA_VERSION, 30), ("group.version", 1), ("transaction.version", 2)]);
        assert_eq!(finalized_features(&kafka), [(METADATA_VERSION, 30)]);
        assert_eq!(finalized_features(&image(&[])), []);
        let ours = bootstrap_records().iter().fold(image(&[]), |mut image, record| {
            image.apply(record);
            image
        });
        assert_eq!(finalized_features(&ours), [(METADATA_VERSION, 30)]);
    }

    #[test]
    fn a_log_of_the_future_is_refused() {
        assert_eq!(check_metadata_version(&image(&[(METADATA_VERSION, 27)])), Ok(()));
        assert_eq!(check_metadata_version(&image(&[])), Ok(()));
        assert_eq!(check_metadata_version(&image(&[(METADATA_VERSION, 31)])), Err(MetadataVersionError(31)));
        assert_eq!(check_metadata_version(&image(&[(METADATA_VERSION, 6)])), Err(MetadataVersionError(6)));
    }
}
