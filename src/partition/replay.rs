//! Reading a whole partition back: how coordinators and the controller find their state again.

use std::rc::Rc;

use bytes::BytesMut;

use super::Partition;
use crate::base::ids::Offset;
use crate::batch::{BatchError, BatchView, RecordView, batches, records};
use crate::storage::log::{Log, ReadError, ReadSlice};

/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;

/// Why a log cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its bytes are not in memory's reach.
    #[error("cannot read records: {0}")]
    Io(#[from] std::io::Error),
    /// A batch is damaged.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl Partition {
    /// Hands every batch and each of its records to `see`, from the first offset to the last written one.
    pub async fn replay(&self, see: impl FnMut(&BatchView<'_>, &RecordView<'_>)) -> Result<(), ReplayError> {
        replay(self.log(), see).await
    }
}

/// Hands every batch of `log` and each of its records to `see`, from the first offset to the last written one.
pub async fn replay(
    log: &Rc<Log>,
    mut see: impl FnMut(&BatchView<'_>, &RecordView<'_>),
) -> Result<(), ReplayError> {
    let (mut next, end) = (log.start_offset(), log.end_offset());
    while next < end {
        let read = log.read(next, READ_BYTES, end, true).run().await?;
        let mut bytes = BytesMut::new();
        for slice in read.slices {
            bytes.extend_from_slice(&ReadSlice::into_bytes(slice).await?);
        }
        let before = next;
        for batch in batches(&bytes) {
            let batch = batch?;
            for record in records(&batch)?.iter() {
                let record = record?;
                if record.offset >= before {
                    see(&batch, &record);
                }
            }
            next = Offset::max(next, batch.header().next_offset());
        }
        if next == before {
            // A hole at the end: nothing more is there.
            break;
        }
    }
    Ok(())
}
