//! Performs what a machine decides: appends in order, one timer, replies to their callers.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::machine::{Append, AppendFailure, AppendId, CallId, Effects, KeyValue, Machine};
use crate::base::clock::Clock;
use crate::base::ids::PartitionIndex;
use crate::rt;
use crate::rt::TaskSet;
use crate::rt::sync::{Event, OneshotSender, oneshot};

/// An append under way; ready when the records are durable, or are known not to be.
pub type Appending = Pin<Box<dyn Future<Output = Result<(), AppendFailure>>>>;

/// One partition of a machine's topic.
pub trait RecordLog {
    /// Appends the records as one batch. They have their place in the log when this returns; the future waits for the
    /// disk. Appends of one log complete in their order.
    fn append(&self, now_ms: i64, records: &[KeyValue]) -> Appending;
}

/// A machine at work. Lives on one shard.
pub struct Driver<M: Machine> {
    machine: RefCell<M>,
    clock: Clock,
    logs: RefCell<HashMap<PartitionIndex, Rc<dyn RecordLog>>>,
    /// Appends that the machine waits for, in order; a partition is in here as long as a task follows it.
    appending: RefCell<HashMap<PartitionIndex, VecDeque<(AppendId, Appending)>>>,
    callers: RefCell<HashMap<CallId, OneshotSender<M::Reply>>>,
    next_call: Cell<u64>,
    /// When the timer task will look, in milliseconds since the epoch; `None`: not before it is told.
    alarm_ms: Cell<Option<i64>>,
    alarm_moved: Event,
    tasks: TaskSet,
}

impl<M: Machine + 'static> Driver<M> {
    /// A driver whose machine has no logs yet.
    pub fn new(machine: M, clock: Clock) -> Rc<Self> {
        Rc::new(Self {
            machine: RefCell::new(machine),
            clock,
            logs: RefCell::default(),
            appending: RefCell::default(),
            callers: RefCell::default(),
            next_call: Cell::new(0),
            alarm_ms: Cell::new(None),
            alarm_moved: Event::new(),
            tasks: TaskSet::new(),
        })
    }

    /// Asks the machine. `None` only when the driver ends before the reply.
    pub async fn call(self: &Rc<Self>, partition: PartitionIndex, call: M::Call) -> Option<M::Reply> {
        let id = CallId::new(self.next_call.get());
        self.next_call.set(id.get() + 1);
        let (sender, reply) = oneshot();
        self.callers.borrow_mut().insert(id, sender);
        let effects = self.machine.borrow_mut().handle(self.clock.now_ms(), id, partition, call);
        self.perform(effects);
        reply.await
    }

    /// Looks at or changes the machine where that has no effects: replay, configuration, views.
    pub fn with<T>(&self, look: impl FnOnce(&mut M) -> T) -> T {
        look(&mut self.machine.borrow_mut())
    }

    /// Gives the machine the log of a partition.
    pub fn attach(&self, partition: PartitionIndex, log: Rc<dyn RecordLog>) {
        self.logs.borrow_mut().insert(partition, log);
    }

    /// Takes the log of a partition away: further appends fail with NotLeader.
    pub fn detach(&self, partition: PartitionIndex) {
        self.logs.borrow_mut().remove(&partition);
    }

    /// Performs effects that a machine returned outside of a call, a commit or a timer.
    pub fn perform(self: &Rc<Self>, effects: Effects<M::Reply>) {
        for append in effects.appends {
            self.begin(append);
        }
        for (call, reply) in effects.replies {
            let caller = self.callers.borrow_mut().remove(&call);
            if let Some(caller) = caller {
                // Who asked may have gone.
                let _ = caller.send(reply);
            }
        }
        self.arm();
    }

    fn begin(self: &Rc<Self>, append: Append) {
        let Append { id, partition, records } = append;
        let log = self.logs.borrow().get(&partition).cloned();
        let appending: Appending = match log {
            Some(log) => log.append(self.clock.now_ms(), &records),
            None => Box::pin(std::future::ready(Err(AppendFailure::NotLeader))),
        };
        let mut queues = self.appending.borrow_mut();
        match queues.get_mut(&partition) {
            Some(queue) => queue.push_back((id, appending)),
            None => {
                queues.insert(partition, VecDeque::from([(id, appending)]));
                self.tasks.spawn(follow(Rc::downgrade(self), partition));
            }
        }
    }

    /// The next append of a partition to wait for; the queue goes with the last.
    fn next_append(&self, partition: PartitionIndex) -> Option<(AppendId, Appending)> {
        let mut queues = self.appending.borrow_mut();
        let next = queues.get_mut(&partition).and_then(VecDeque::pop_front);
        if next.is_none() {
            queues.remove(&partition);
        }
        next
    }

    /// Sees to it that the timer task looks in time. A deadline that moved away costs nothing: the task looks in vain
    /// once and sleeps again.
    fn arm(self: &Rc<Self>) {
        let Some(deadline) = self.machine.borrow().next_deadline() else {
            return;
        };
        match self.alarm_ms.get() {
            Some(alarm) if alarm <= deadline => {}
            Some(_) => {
                self.alarm_ms.set(Some(deadline));
                self.alarm_moved.notify_all();
            }
            None => {
                self.alarm_ms.set(Some(deadline));
                self.tasks.spawn(ring(Rc::downgrade(self)));
            }
        }
    }
}

/// Waits for a partition's appends in order and tells the machine of each.
async fn follow<M: Machine + 'static>(driver: Weak<Driver<M>>, partition: PartitionIndex) {
    loop {
        let Some(next) = driver.upgrade().and_then(|driver| driver.next_append(partition)) else {
            return;
        };
        let (id, appending) = next;
        let outcome = appending.await;
        let Some(driver) = driver.upgrade() else {
            return;
        };
        let effects = driver.machine.borrow_mut().committed(driver.clock.now_ms(), id, outcome);
        driver.perform(effects);
    }
}

/// Sleeps until the machine's next deadline, as long as it has one.
async fn ring<M: Machine + 'static>(driver: Weak<Driver<M>>) {
    loop {
        let Some(this) = driver.upgrade() else {
            return;
        };
        let now_ms = this.clock.now_ms();
        let Some(alarm_ms) = this.alarm_ms.get() else {
            return;
        };
        if let Ok(left) = u64::try_from(alarm_ms - now_ms)
            && left > 0
        {
            let moved = this.alarm_moved.wait();
            drop(this);
            rt::timeout(Duration::from_millis(left), moved).await;
            continue;
        }
        let effects = this.machine.borrow_mut().on_timer(now_ms);
        let next = this.machine.borrow().next_deadline();
        // A machine that is due again at once must not starve the shard.
        this.alarm_ms.set(next.map(|next| next.max(now_ms + 1)));
        this.perform(effects);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rt::shards::block_on;
    use bytes::Bytes;

    /// Appends what it is told and answers with how many appends it has seen committed; rings once at a time.
    struct Echo {
        waiting: VecDeque<CallId>,
        committed: u64,
        due_ms: Option<i64>,
    }

    impl Machine for Echo {
        type Call = Bytes;
        type Reply = Result<u64, AppendFailure>;

        fn handle(
            &mut self,
            _: i64,
            id: CallId,
            partition: PartitionIndex,
            call: Bytes,
        ) -> Effects<Self::Reply> {
            self.waiting.push_back(id);
            let records = vec![KeyValue { key: Some(call), value: None }];
            let append = Append { id: AppendId::new(id.get()), partition, records };
            Effects { appends: vec![append], replies: Vec::new() }
        }

        fn committed(
            &mut self,
            _: i64,
            id: AppendId,
            outcome: Result<(), AppendFailure>,
        ) -> Effects<Self::Reply> {
            assert_eq!(self.waiting.front().map(|call| call.get()), Some(id.get()), "commits come in order");
            self.committed += 1;
            let reply = outcome.map(|()| self.committed);
            self.waiting.pop_front().map_or_else(Effects::none, |call| Effects::reply(call, reply))
        }

        fn on_timer(&mut self, now_ms: i64) -> Effects<Self::Reply> {
            if self.due_ms.is_some_and(|due| due <= now_ms) {
                self.due_ms = None;
            }
            Effects::none()
        }

        fn next_deadline(&self) -> Option<i64> {
            self.due_ms
        }
    }

    /// Becomes durable after a yield; keeps what it was given.
    #[derive(Default)]
    struct Memory(RefCell<Vec<KeyValue>>);

    impl RecordLog for Memory {
        fn append(&self, _: i64, records: &[KeyValue]) -> Appending {
            self.0.borrow_mut().extend_from_slice(records);
            Box::pin(async {
                rt::yield_now().await;
                Ok(())
            })
        }
    }

    fn driver() -> Rc<Driver<Echo>> {
        let machine = Echo { waiting: VecDeque::new(), committed: 0, due_ms: None };
        Driver::new(machine, Clock::system())
    }

    #[test]
    fn replies_come_after_the_commit_and_in_order() {
        block_on(async {
            let (driver, log, partition) = (driver(), Rc::new(Memory::default()), PartitionIndex::new(3));
            driver.attach(partition, log.clone());
            let ask = |text: &'static [u8]| {
                let driver = driver.clone();
                rt::spawn(async move { driver.call(partition, Bytes::from_static(text)).await })
            };
            let (first, second) = (ask(b"a"), ask(b"b"));
            assert_eq!(first.await, Some(Ok(1)));
            assert_eq!(second.await, Some(Ok(2)));
            assert_eq!(log.0.borrow().len(), 2);
        });
    }

    #[test]
    fn a_partition_without_a_log_refuses() {
        block_on(async {
            let reply = driver().call(PartitionIndex::new(0), Bytes::new()).await;
            assert_eq!(reply, Some(Err(AppendFailure::NotLeader)));
        });
    }

    #[test]
    fn the_timer_rings_at_the_earliest_deadline() {
        block_on(async {
            let driver = driver();
            for later_ms in [60_000, 20] {
                driver.with(|machine| machine.due_ms = Some(driver.clock.now_ms() + later_ms));
                driver.perform(Effects::none());
            }
            let rung = async {
                while driver.with(|machine| machine.due_ms.is_some()) {
                    rt::sleep(Duration::from_millis(1)).await;
                }
            };
            assert!(rt::timeout(Duration::from_secs(5), rung).await.is_some(), "the timer never rang");
        });
    }
}
