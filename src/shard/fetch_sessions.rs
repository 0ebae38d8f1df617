//! Incremental fetch sessions (KIP-227): a client names its partitions once, and then only what changes.
//!
//! Sessions live on the shard of the connection that opened them. A client that comes back on another shard is told
//! FETCH_SESSION_ID_NOT_FOUND and opens a new one, as it does when a broker has forgotten its session.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::base::ids::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use crate::base::random::Random;

/// A session that was not used for this long may make room for a new one (Kafka's
/// `min.incremental.fetch.session.eviction.ms`).
const EVICTION_MS: i64 = 120_000;

/// A topic as the client named it: by name before version 13, by id since.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TopicRef {
    /// Versions 0 to 12.
    Name(Box<str>),
    /// Version 13 and later.
    Id(TopicId),
}

/// One partition of one client's fetch.
pub type PartitionRef = (TopicRef, PartitionIndex);

/// What a client wants of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// First offset wanted.
    pub offset: Offset,
    /// At most this many bytes.
    pub bytes_max: i32,
    /// The client's leader epoch or -1.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch of the client's last record or -1.
    pub last_fetched_epoch: LeaderEpoch,
}

/// The offsets last told to the client; an incremental answer leaves a partition out while they stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// High watermark.
    pub high_watermark: Offset,
    /// First offset.
    pub log_start_offset: Offset,
}

#[derive(Debug)]
struct Session {
    /// The epoch that the client's next request must carry.
    next_epoch: i32,
    by_id: bool,
    partitions: IndexMap<PartitionRef, (Want, Option<Told>)>,
    used_ms: i64,
}

/// The session fields of a request.
#[derive(Debug)]
pub struct SessionRequest {
    /// 0 for none.
    pub id: i32,
    /// 0 opens a session, -1 closes it, others count up.
    pub epoch: i32,
    /// Partitions new or changed.
    pub wants: Vec<(PartitionRef, Want)>,
    /// Partitions no longer wanted.
    pub forgotten: Vec<PartitionRef>,
    /// Whether topics go by id.
    pub by_id: bool,
}

/// How a request stands to its session, and all that it wants.
#[derive(Debug)]
pub struct Opened {
    /// The session's id, to be answered; 0 without one.
    pub id: i32,
    /// Whether the answer leaves out what has not changed.
    pub incremental: bool,
    /// What to fetch, in order.
    pub wants: Vec<(PartitionRef, Want)>,
}

/// Why a request does not fit its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// No such session here.
    #[error("no such fetch session")]
    NotFound,
    /// Not the epoch that comes next.
    #[error("the fetch session is at another epoch")]
    WrongEpoch,
    /// A session by names was continued by ids, or the other way round.
    #[error("the fetch session names topics in the other way")]
    TopicIdMix,
}

/// All sessions of a shard.
pub struct FetchSessions {
    sessions: HashMap<i32, Session>,
    slots: usize,
    random: Random,
}

impl FetchSessions {
    /// Room for `slots` sessions.
    pub fn new(slots: usize, random: Random) -> Self {
        Self { sessions: HashMap::new(), slots, random }
    }

    /// Places a request in its session. Errors: as `SessionError`; the client then opens a new session.
    pub fn open(&mut self, request: SessionRequest, now_ms: i64) -> Result<Opened, SessionError> {
        match request.epoch {
            ..=-1 => {
                self.sessions.remove(&request.id);
                Ok(Opened { id: 0, incremental: false, wants: request.wants })
            }
            0 => {
                self.sessions.remove(&request.id);
                Ok(self.create(request, now_ms))
            }
            _ => self.resume(request, now_ms),
        }
    }

    fn create(&mut self, request: SessionRequest, now_ms: i64) -> Opened {
        if self.sessions.len() >= self.slots {
            let oldest = self.sessions.iter().min_by_key(|(_, session)| session.used_ms);
            let idle =
                oldest.filter(|(_, session)| now_ms - session.used_ms > EVICTION_MS).map(|(id, _)| *id);
            match idle {
                Some(id) => self.sessions.remove(&id),
                None => return Opened { id: 0, incremental: false, wants: request.wants },
            };
        }
        let id = loop {
            let id = (self.random.next_u64() >> 33) as i32;
            if id != 0 && !self.sessions.contains_key(&id) {
                break id;
            }
        };
        let partitions =
            request.wants.iter().map(|(partition, want)| (partition.clone(), (*want, None))).collect();
        let session = Session { next_epoch: 1, by_id: request.by_id, partitions, used_ms: now_ms };
        self.sessions.insert(id, session);
        Opened { id, incremental: false, wants: request.wants }
    }

    fn resume(&mut self, request: SessionRequest, now_ms: i64) -> Result<Opened, SessionError> {
        let session = self.sessions.get_mut(&request.id).ok_or(SessionError::NotFound)?;
        if session.by_id != request.by_id {
            return Err(SessionError::TopicIdMix);
        }
        if session.next_epoch != request.epoch {
            return Err(SessionError::WrongEpoch);
        }
        session.next_epoch = if request.epoch == i32::MAX { 1 } else { request.epoch + 1 };
        session.used_ms = now_ms;
        for (partition, want) in request.wants {
            let entry = session.partitions.entry(partition).or_insert((want, None));
            entry.0 = want;
        }
        for partition in &request.forgotten {
            session.partitions.shift_remove(partition);
        }
        if session.partitions.is_empty() {
            // Nothing is left to remember.
            self.sessions.remove(&request.id);
            return Ok(Opened { id: 0, incremental: false, wants: Vec::new() });
        }
        let wants =
            session.partitions.iter().map(|(partition, (want, _))| (partition.clone(), *want)).collect();
        Ok(Opened { id: request.id, incremental: true, wants })
    }

    /// Whether an answer must mention this partition: it has data or an error, or its offsets differ from those last
    /// told. Remembers what is told now; a partition with data goes to the end of the order, so that all get their turn.
    pub fn tell(
        &mut self,
        id: i32,
        partition: &PartitionRef,
        told: Told,
        has_data: bool,
        has_error: bool,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else {
            return true;
        };
        let Some((_, last)) = session.partitions.get_mut(partition) else {
            return true;
        };
        let changed = last.replace(told) != Some(told);
        if has_error {
            // Told again once the error is over.
            *last = None;
        }
        if has_data && let Some(entry) = session.partitions.shift_remove_entry(partition) {
            session.partitions.insert(entry.0, entry.1);
        }
        changed || has_data || has_error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(offset: i64) -> Want {
        Want {
            offset: Offset::new(offset),
            bytes_max: 1 << 20,
            current_leader_epoch: LeaderEpoch::NONE,
            last_fetched_epoch: LeaderEpoch::NONE,
        }
    }

    fn partition(name: &str) -> PartitionRef {
        (TopicRef::Name(name.into()), PartitionIndex::new(0))
    }

    fn request(id: i32, epoch: i32, wants: &[(&str, i64)]) -> SessionRequest {
        let wants = wants.iter().map(|(name, offset)| (partition(name), want(*offset))).collect();
        SessionRequest { id, epoch, wants, forgotten: Vec::new(), by_id: false }
    }

    fn sessions() -> FetchSessions {
        FetchSessions::new(2, Random::from_seed(7))
    }

    fn told(high_watermark: i64) -> Told {
        Told { high_watermark: Offset::new(high_watermark), log_start_offset: Offset::ZERO }
    }

    #[test]
    fn a_session_remembers_what_is_wanted() {
        let mut sessions = sessions();
        let first = sessions.open(request(0, 0, &[("a", 1), ("b", 2)]), 0).unwrap();
        assert!(first.id != 0 && !first.incremental);
        let next = sessions.open(request(first.id, 1, &[("b", 5)]), 0).unwrap();
        assert!(next.incremental);
        assert_eq!(next.wants, vec![(partition("a"), want(1)), (partition("b"), want(5))]);
        let mut forget = request(first.id, 2, &[]);
        forget.forgotten = vec![partition("a")];
        assert_eq!(sessions.open(forget, 0).unwrap().wants, vec![(partition("b"), want(5))]);
        let mut forget = request(first.id, 3, &[]);
        forget.forgotten = vec![partition("b")];
        assert_eq!(sessions.open(forget, 0).unwrap().id, 0);
        assert_eq!(sessions.open(request(first.id, 4, &[]), 0).unwrap_err(), SessionError::NotFound);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut sessions = sessions();
        let id = sessions.open(request(0, 0, &[]), 0).unwrap().id;
        assert_eq!(sessions.open(request(id + 1, 1, &[]), 0).unwrap_err(), SessionError::NotFound);
        assert_eq!(sessions.open(request(id, 2, &[]), 0).unwrap_err(), SessionError::WrongEpoch);
        let mut by_id = request(id, 1, &[]);
        by_id.by_id = true;
        assert_eq!(sessions.open(by_id, 0).unwrap_err(), SessionError::TopicIdMix);
        sessions.open(request(id, -1, &[]), 0).unwrap();
        assert_eq!(sessions.open(request(id, 1, &[]), 0).unwrap_err(), SessionError::NotFound);
    }

    #[test]
    fn unchanged_partitions_are_left_out_and_data_goes_last() {
        let mut sessions = sessions();
        let id = sessions.open(request(0, 0, &[("a", 0), ("b", 0)]), 0).unwrap().id;
        assert!(sessions.tell(id, &partition("a"), told(1), false, false));
        assert!(!sessions.tell(id, &partition("a"), told(1), false, false));
        assert!(sessions.tell(id, &partition("a"), told(2), false, false));
        assert!(sessions.tell(id, &partition("a"), told(2), false, true));
        assert!(sessions.tell(id, &partition("a"), told(2), true, false));
        let order = sessions.open(request(id, 1, &[]), 0).unwrap().wants;
        assert_eq!(
            order.iter().map(|(p, _)| p.clone()).collect::<Vec<_>>(),
            vec![partition("b"), partition("a")]
        );
    }

    #[test]
    fn a_full_cache_serves_without_a_session_until_one_is_idle() {
        let mut sessions = sessions();
        sessions.open(request(0, 0, &[]), 0).unwrap();
        sessions.open(request(0, 0, &[]), 10).unwrap();
        assert_eq!(sessions.open(request(0, 0, &[]), 20).unwrap().id, 0);
        assert!(sessions.open(request(0, 0, &[]), EVICTION_MS + 1).unwrap().id != 0);
    }
}
