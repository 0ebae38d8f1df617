//! CreateTopics and CreatePartitions: decide, and draft what the decision makes.

use super::Rules;
use super::call::{CreatedTopic, MorePartitions, NewTopic};
use super::draft::Draft;
use super::error::{AssignmentError, TopicError};
use super::placement::{Placement, check_assignment, partition_record};
use crate::base::ids::{BrokerId, PartitionIndex, TopicId};
use crate::base::random::Random;
use crate::image::{ConfigResource, Configs, Image, validate_topic_name};
use crate::wire::records::{ConfigRecord, PartitionRecord, TopicRecord};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Partitions that one request may create; more are refused with a policy violation (44), as in Kafka.
pub const PARTITIONS_PER_REQUEST_MAX: i64 = 10_000;
/// The topic of the metadata log: no image has it.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// Every topic of a CreateTopics request, one result each.
pub(super) fn create_topics(
    draft: &mut Draft,
    rules: &Rules,
    random: &mut Random,
    topics: &[NewTopic],
) -> Vec<(String, Result<CreatedTopic, TopicError>)> {
    let partitions: i64 = topics.iter().map(|topic| partitions_wanted(rules, topic)).sum();
    let mut asked: HashMap<&str, usize> = HashMap::new();
    for topic in topics {
        *asked.entry(&topic.name).or_default() += 1;
    }
    let mut results = Vec::with_capacity(asked.len());
    for topic in topics {
        // Of a name that stands there twice the first place is kept, and nothing is created.
        let Some(times) = asked.remove(topic.name.as_str()) else { continue };
        let result = if partitions > PARTITIONS_PER_REQUEST_MAX {
            Err(TopicError::TooManyPartitions)
        } else if times > 1 {
            Err(TopicError::DuplicateName)
        } else {
            create_topic(draft, rules, random, topic)
        };
        results.push((topic.name.clone(), result));
    }
    results
}

fn partitions_wanted(rules: &Rules, topic: &NewTopic) -> i64 {
    if !topic.assignments.is_empty() {
        return topic.assignments.len() as i64;
    }
    let count = if topic.num_partitions == -1 { rules.num_partitions } else { topic.num_partitions };
    i64::from(count.max(0))
}

fn create_topic(
    draft: &mut Draft,
    rules: &Rules,
    random: &mut Random,
    topic: &NewTopic,
) -> Result<CreatedTopic, TopicError> {
    check_name(draft.image(), &topic.name)?;
    let configs = check_configs(rules, topic)?;
    let id = unused_id(draft.image(), random);
    let partitions = if topic.assignments.is_empty() {
        place_partitions(draft.image(), rules, id, topic)?
    } else {
        assigned_partitions(draft.image(), id, topic)?
    };
    let created = CreatedTopic {
        id,
        num_partitions: i32::try_from(partitions.len()).unwrap_or(i32::MAX),
        replication_factor: partitions
            .first()
            .map_or(0, |p| i16::try_from(p.replicas.len()).unwrap_or(i16::MAX)),
        configs,
    };
    draft.push(TopicRecord { name: topic.name.as_str().into(), topic_id: id });
    for (name, value) in &created.configs {
        let (name, value) = (name.as_str().into(), Some(value.as_str().into()));
        let resource_name = topic.name.as_str().into();
        draft.push(ConfigRecord { resource_type: ConfigResource::TOPIC, resource_name, name, value });
    }
    partitions.into_iter().for_each(|partition| draft.push(partition));
    Ok(created)
}

fn check_name(image: &Image, name: &str) -> Result<(), TopicError> {
    validate_topic_name(name)?;
    if name == METADATA_TOPIC {
        return Err(TopicError::Prohibited(name.to_owned()));
    }
    if image.topic(name).is_some() {
        return Err(TopicError::Exists(name.to_owned()));
    }
    match image.colliding_topics(name).next() {
        Some(existing) => Err(TopicError::Collides { name: name.to_owned(), existing: existing.to_owned() }),
        None => Ok(()),
    }
}

fn check_configs(rules: &Rules, topic: &NewTopic) -> Result<Configs, TopicError> {
    let mut configs = Configs::new();
    for (name, value) in &topic.configs {
        let value = value.clone().ok_or_else(|| TopicError::NullConfig(name.clone()))?;
        configs.insert(name.clone(), value);
    }
    (rules.check_configs)(&configs).map_err(TopicError::Config)?;
    Ok(configs)
}

/// An id that no topic has, and that is not one of Kafka's reserved ones (the first hundred).
fn unused_id(image: &Image, random: &mut Random) -> TopicId {
    loop {
        let id = random.uuid();
        if image.topic_by_id(id).is_none() && u128::from_be_bytes(id.get()) >= 100 {
            return id;
        }
    }
}

fn place_partitions(
    image: &Image,
    rules: &Rules,
    id: TopicId,
    topic: &NewTopic,
) -> Result<Vec<PartitionRecord>, TopicError> {
    let factor = match topic.replication_factor {
        -1 => rules.default_replication_factor,
        factor if factor > 0 => factor,
        _ => return Err(TopicError::ReplicationFactor),
    };
    let count = match topic.num_partitions {
        -1 => rules.num_partitions,
        count if count > 0 => count,
        _ => return Err(TopicError::PartitionCount),
    };
    let placement = Placement::new(image);
    (0..count).map(|index| placed_partition(image, &placement, id, index, factor)).collect()
}

fn placed_partition(
    image: &Image,
    placement: &Placement,
    id: TopicId,
    index: i32,
    factor: i16,
) -> Result<PartitionRecord, TopicError> {
    let replicas = placement.replicas(id, PartitionIndex::new(index), factor)?;
    partition_record(image, id, index, &replicas).ok_or(TopicError::AllFenced { factor })
}

fn assigned_partitions(
    image: &Image,
    id: TopicId,
    topic: &NewTopic,
) -> Result<Vec<PartitionRecord>, TopicError> {
    if topic.replication_factor != -1 {
        return Err(TopicError::AssignmentAndFactor);
    }
    if topic.num_partitions != -1 {
        return Err(TopicError::AssignmentAndCount);
    }
    let mut previous = None;
    let mut partitions = BTreeMap::new();
    for (index, replicas) in &topic.assignments {
        if partitions.contains_key(index) {
            return Err(AssignmentError::Duplicate(*index).into());
        }
        partitions.insert(*index, assigned_partition(image, id, *index, replicas, previous)?);
        previous = Some(replicas.len());
    }
    if !partitions.keys().copied().eq(0..partitions.len() as i32) {
        return Err(AssignmentError::NotConsecutive.into());
    }
    Ok(partitions.into_values().collect())
}

fn assigned_partition(
    image: &Image,
    id: TopicId,
    index: i32,
    replicas: &[BrokerId],
    previous: Option<usize>,
) -> Result<PartitionRecord, TopicError> {
    check_assignment(image, replicas, previous)?;
    Ok(partition_record(image, id, index, replicas).ok_or(AssignmentError::AllFenced(index))?)
}

/// Every topic of a CreatePartitions request, one result each.
pub(super) fn create_partitions(
    draft: &mut Draft,
    topics: &[MorePartitions],
) -> Vec<(String, Result<(), TopicError>)> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<&str> =
        topics.iter().map(|topic| topic.name.as_str()).filter(|name| !seen.insert(*name)).collect();
    let mut results = Vec::with_capacity(topics.len());
    // Partitions that this request has added already.
    let mut added = 0;
    for topic in topics {
        if !seen.remove(topic.name.as_str()) {
            continue;
        }
        let result = match twice.contains(topic.name.as_str()) {
            true => Err(TopicError::DuplicateName),
            false => add_partitions(draft, topic, added),
        };
        let result = result.map(|partitions| added += partitions);
        results.push((topic.name.clone(), result));
    }
    results
}

fn add_partitions(draft: &mut Draft, wanted: &MorePartitions, before: i64) -> Result<i64, TopicError> {
    let image = draft.image();
    let topic = image.topic(&wanted.name).ok_or(TopicError::UnknownName)?;
    let (id, has, factor) = (topic.id, topic.partitions.len(), topic.replication_factor());
    let adds = i64::from(wanted.count) - has as i64;
    if adds == 0 {
        return Err(TopicError::SameCount(has));
    }
    if adds < 0 {
        return Err(TopicError::NoIncrease { name: wanted.name.clone(), has, wanted: wanted.count });
    }
    if let Some(assignments) = &wanted.assignments
        && assignments.len() as i64 != adds
    {
        return Err(
            AssignmentError::Count { partitions: adds as usize, assignments: assignments.len() }.into()
        );
    }
    if before + adds > PARTITIONS_PER_REQUEST_MAX {
        return Err(TopicError::TooManyPartitions);
    }
    let first = i32::try_from(has).unwrap_or(i32::MAX);
    let records: Vec<PartitionRecord> = match &wanted.assignments {
        Some(assignments) => (first..wanted.count)
            .zip(assignments)
            .map(|(index, replicas)| assigned_partition(image, id, index, replicas, Some(factor)))
            .collect::<Result<_, _>>()?,
        None => {
            let (placement, factor) = (Placement::new(image), i16::try_from(factor).unwrap_or(i16::MAX));
            (first..wanted.count)
                .map(|index| placed_partition(image, &placement, id, index, factor))
                .collect::<Result<_, _>>()?
        }
    };
    records.into_iter().for_each(|record| draft.push(record));
    Ok(adds)
}
