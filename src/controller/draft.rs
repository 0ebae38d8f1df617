//! A change in the making: records, and the image as it will be when they are in the log.

use crate::image::{Image, MetadataRecord};

/// Records that one call decided on, applied to a version of the image of their own. Dropped, they never were.
pub(super) struct Draft {
    image: Image,
    records: Vec<MetadataRecord>,
}

impl Draft {
    pub(super) fn new(image: &Image) -> Self {
        Self { image: image.clone(), records: Vec::new() }
    }

    /// The image with all records so far.
    pub(super) fn image(&self) -> &Image {
        &self.image
    }

    /// Adds a record.
    pub(super) fn push(&mut self, record: impl Into<MetadataRecord>) {
        let record = record.into();
        self.image.apply(&record);
        self.records.push(record);
    }

    pub(super) fn finish(self) -> (Image, Vec<MetadataRecord>) {
        (self.image, self.records)
    }
}
