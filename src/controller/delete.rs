//! DeleteTopics: by name or by id.

use super::Rules;
use super::call::{DeletedTopic, TopicReference};
use super::draft::Draft;
use super::error::TopicError;
use crate::base::ids::TopicId;
use crate::image::Image;
use crate::wire::records::RemoveTopicRecord;
use std::collections::{BTreeMap, BTreeSet};

/// Every topic of a DeleteTopics request, one result for each that is named differently.
pub(super) fn delete_topics(
    draft: &mut Draft,
    rules: &Rules,
    references: &[TopicReference],
) -> Vec<(TopicReference, Result<DeletedTopic, TopicError>)> {
    if !rules.delete_topic_enable {
        // Kafka does not even look at the topics then.
        let disabled = |reference: &TopicReference| (reference.clone(), Err(TopicError::DeletionDisabled));
        return references.iter().map(disabled).collect();
    }
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ids: BTreeMap<TopicId, usize> = BTreeMap::new();
    for reference in references {
        match &reference.name {
            Some(name) if reference.id.is_zero() => *names.entry(name).or_default() += 1,
            None if !reference.id.is_zero() => *ids.entry(reference.id).or_default() += 1,
            _ => {}
        }
    }
    let supplied: BTreeSet<TopicId> = ids.keys().copied().collect();
    let mut results = Vec::with_capacity(references.len());
    for reference in references {
        let result = match (&reference.name, reference.id) {
            (Some(_), id) if !id.is_zero() => Err(TopicError::BothNameAndId),
            (Some(name), _) => match names.remove(name.as_str()) {
                None => continue,
                Some(1) => named(draft.image(), name, &supplied),
                Some(_) => Err(TopicError::DuplicateName),
            },
            (None, id) if id.is_zero() => Err(TopicError::NeitherNameNorId),
            (None, id) => match ids.remove(&id) {
                None => continue,
                Some(1) => identified(draft.image(), id),
                Some(_) => Err(TopicError::DuplicateId),
            },
        };
        if let Ok(topic) = &result {
            draft.push(RemoveTopicRecord { topic_id: topic.id });
        }
        results.push((reference.clone(), result));
    }
    results
}

fn named(image: &Image, name: &str, supplied: &BTreeSet<TopicId>) -> Result<DeletedTopic, TopicError> {
    let topic = image.topic(name).ok_or(TopicError::UnknownName)?;
    if supplied.contains(&topic.id) {
        return Err(TopicError::NameOfSuppliedId);
    }
    Ok(DeletedTopic { name: name.to_owned(), id: topic.id })
}

fn identified(image: &Image, id: TopicId) -> Result<DeletedTopic, TopicError> {
    let topic = image.topic_by_id(id).ok_or(TopicError::UnknownId)?;
    Ok(DeletedTopic { name: topic.name.to_string(), id })
}
