//! The cluster as this broker keeps it: the controller on shard 0, and the image on every shard.

use std::rc::Rc;
use std::sync::Arc;

use super::Shard;
use crate::base::ids::{ProducerId, ShardId};
use crate::controller::{ControllerCall, ControllerReply, NewTopic, ProducerIdBlock};
use crate::image::Image;
use crate::wire::Str;

/// Where the controller lives.
pub const CONTROLLER_SHARD: ShardId = ShardId::new(0);
/// The topic of the groups.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

impl Shard {
    /// Asks the controller, and waits until every shard shows what it decided. `None` if the controller has ended.
    pub async fn ask_controller(self: &Rc<Self>, question: ControllerCall) -> Option<ControllerReply> {
        // What the controller has decided must be published, even if the client that asked for it has gone.
        self.see_through(CONTROLLER_SHARD, move |leader| async move {
            let controller = leader.controller.borrow().clone()?;
            let reply = controller.ask(question).await;
            leader.publish(controller.image()).await;
            reply
        })
        .await?
    }

    /// Makes every shard ready for an image, then shows it to requests: a topic is seen only once all its partitions take
    /// produces. Images are published one after the other; one that is older than what is shown is passed over.
    pub async fn publish(self: &Rc<Self>, image: Arc<Image>) {
        let _turn = self.publishing.enter().await;
        if image.offset() <= self.image().offset() {
            return;
        }
        let prepared = image.clone();
        self.on_all(move |shard| {
            let image = prepared.clone();
            async move { shard.prepare(image).await }
        })
        .await;
        self.on_all(move |shard| {
            let image = image.clone();
            async move { *shard.image.borrow_mut() = image }
        })
        .await;
    }

    /// Creates topics that a client asked for by name, with all defaults. What cannot be created stays unknown.
    pub async fn auto_create_topics(self: &Rc<Self>, names: &[Str]) {
        let topic = |name: &Str| match &**name {
            OFFSETS_TOPIC => self.offsets_topic(),
            name => NewTopic::automatic(name),
        };
        let topics = names.iter().map(topic).collect();
        self.ask_controller(ControllerCall::CreateTopics { topics, validate_only: false }).await;
    }

    /// Creates `__consumer_offsets` unless it is there; whether it is.
    pub async fn ensure_offsets_topic(self: &Rc<Self>) -> bool {
        if self.image().topic(OFFSETS_TOPIC).is_none() {
            let topics = vec![self.offsets_topic()];
            self.ask_controller(ControllerCall::CreateTopics { topics, validate_only: false }).await;
        }
        self.image().topic(OFFSETS_TOPIC).is_some()
    }

    fn offsets_topic(&self) -> NewTopic {
        let offsets = &self.config().offsets;
        // A single node keeps one replica, whatever offsets.topic.replication.factor hopes for.
        NewTopic::consumer_offsets(offsets.num_partitions, 1, u64::from(offsets.segment_bytes))
    }

    /// A producer id that nobody has had. Each shard takes them from a block of its own, which was reserved in the
    /// metadata log before; a restart forgets what is left of it.
    pub async fn next_producer_id(self: &Rc<Self>) -> Option<ProducerId> {
        let _turn = self.producer_id_gate.enter().await;
        if self.producer_ids.get().is_none_or(|block| block.count == 0) {
            let block = match self.ask_controller(ControllerCall::AllocateProducerIds(self.node_id())).await?
            {
                ControllerReply::ProducerIds(Ok(block)) => block,
                _ => return None,
            };
            self.producer_ids.set(Some(block));
        }
        let block = self.producer_ids.get()?;
        let rest = ProducerIdBlock { first: ProducerId::new(block.first.get() + 1), count: block.count - 1 };
        self.producer_ids.set(Some(rest));
        Some(block.first)
    }
}
