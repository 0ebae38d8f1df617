//! Deadlines of groups and members. An alarm that is only ever put off costs nothing but a field: its entry in the
//! queue stays where it is and, when it comes up, moves to the new deadline. Heartbeats are that cheap.

use std::collections::BTreeSet;
use std::rc::Rc;

/// What an alarm of a group is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The join phase ends.
    Join,
    /// Members that have not synced are dropped.
    Sync,
    /// The session of a member, or of an id that was handed out and never used, ends.
    Session(Rc<str>),
}

/// One deadline. Owned by what it is about; the queue only knows when to look at it.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    deadline_ms: Option<i64>,
    /// When the queue will look next: never after the deadline.
    queued_ms: Option<i64>,
}

/// What came of an alarm whose entry was reached.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ring {
    /// The entry was left over.
    Stale,
    /// It is put off to this time.
    Later(i64),
    /// It is due.
    Due,
}

impl Alarm {
    /// Nothing will happen any more.
    pub(super) fn cancel(&mut self) {
        self.deadline_ms = None;
    }

    /// When it is due.
    #[cfg(test)]
    pub(super) fn deadline_ms(&self) -> Option<i64> {
        self.deadline_ms
    }

    /// The queue's entry for `queued_ms` was reached.
    fn ring(&mut self, queued_ms: i64, now_ms: i64) -> Ring {
        if self.queued_ms != Some(queued_ms) {
            return Ring::Stale;
        }
        self.queued_ms = None;
        match self.deadline_ms {
            None => Ring::Stale,
            Some(deadline_ms) if deadline_ms > now_ms => Ring::Later(deadline_ms),
            Some(_) => {
                self.deadline_ms = None;
                Ring::Due
            }
        }
    }
}

/// The queue of all alarms, by time.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(i64, Rc<str>, Kind)>,
}

impl Timers {
    /// Sets `alarm` of `group` to go off at `deadline_ms`, in place of what it was set to.
    pub(super) fn set(&mut self, alarm: &mut Alarm, group: &Rc<str>, kind: Kind, deadline_ms: i64) {
        alarm.deadline_ms = Some(deadline_ms);
        if alarm.queued_ms.is_none_or(|queued_ms| deadline_ms < queued_ms) {
            alarm.queued_ms = Some(deadline_ms);
            self.queue.insert((deadline_ms, Rc::clone(group), kind));
        }
    }

    /// Looks at an alarm whose entry was popped; true when it is due. One that was put off is queued again.
    pub(super) fn due(&mut self, alarm: &mut Alarm, entry: (i64, Rc<str>, Kind), now_ms: i64) -> bool {
        let (queued_ms, group, kind) = entry;
        match alarm.ring(queued_ms, now_ms) {
            Ring::Stale => false,
            Ring::Due => true,
            Ring::Later(deadline_ms) => {
                alarm.queued_ms = Some(deadline_ms);
                self.queue.insert((deadline_ms, group, kind));
                false
            }
        }
    }

    /// The next entry whose time has come.
    pub(super) fn pop(&mut self, now_ms: i64) -> Option<(i64, Rc<str>, Kind)> {
        if self.queue.first()?.0 > now_ms {
            return None;
        }
        self.queue.pop_first()
    }

    /// When to look next.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.queue.first().map(|(queued_ms, ..)| *queued_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_that_is_put_off_moves_once() {
        let (mut timers, mut alarm, group) = (Timers::default(), Alarm::default(), Rc::from("g"));
        timers.set(&mut alarm, &group, Kind::Join, 10);
        timers.set(&mut alarm, &group, Kind::Join, 50);
        timers.set(&mut alarm, &group, Kind::Join, 40);
        assert_eq!((timers.next_ms(), timers.queue.len()), (Some(10), 1));
        assert_eq!(timers.pop(9), None);
        let entry = timers.pop(10).unwrap();
        assert!(!timers.due(&mut alarm, entry, 10));
        assert_eq!(timers.next_ms(), Some(40));
        let entry = timers.pop(40).unwrap();
        assert!(timers.due(&mut alarm, entry, 40));
        assert_eq!((timers.next_ms(), alarm.deadline_ms()), (None, None));
    }

    #[test]
    fn an_earlier_deadline_leaves_a_stale_entry() {
        let (mut timers, mut alarm, group) = (Timers::default(), Alarm::default(), Rc::from("g"));
        timers.set(&mut alarm, &group, Kind::Sync, 50);
        timers.set(&mut alarm, &group, Kind::Sync, 20);
        let entry = timers.pop(100).unwrap();
        assert!(timers.due(&mut alarm, entry, 100));
        let entry = timers.pop(100).unwrap();
        assert!(!timers.due(&mut alarm, entry, 100));
    }

    #[test]
    fn a_cancelled_alarm_is_silent() {
        let (mut timers, mut alarm, group) = (Timers::default(), Alarm::default(), Rc::from("g"));
        timers.set(&mut alarm, &group, Kind::Session("m".into()), 5);
        alarm.cancel();
        let entry = timers.pop(5).unwrap();
        assert!(!timers.due(&mut alarm, entry, 5));
    }
}
