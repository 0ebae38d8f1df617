//! What a topic may be called.

use crate::base::limits::TOPIC_NAME_BYTES_MAX;

/// Why a text cannot name a topic; the texts are Kafka's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicNameError {
    /// No characters.
    #[error("Topic name is invalid: the empty string is not allowed")]
    Empty,
    /// The names of the directories "here" and "above".
    #[error("Topic name is invalid: '{0}' is not allowed")]
    Dots(String),
    /// Too long for a directory name.
    #[error(
        "Topic name is invalid: the length of '{0}' is longer than the max allowed length {TOPIC_NAME_BYTES_MAX}"
    )]
    TooLong(String),
    /// A character that is not allowed.
    #[error(
        "Topic name is invalid: '{0}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    )]
    Character(String),
}

/// Whether `name` can name a topic: 1 to 249 of `[a-zA-Z0-9._-]`, not `.` or `..`.
pub fn validate_topic_name(name: &str) -> Result<(), TopicNameError> {
    if name.is_empty() {
        return Err(TopicNameError::Empty);
    }
    if name == "." || name == ".." {
        return Err(TopicNameError::Dots(name.to_owned()));
    }
    if name.len() > TOPIC_NAME_BYTES_MAX && name.chars().count() > TOPIC_NAME_BYTES_MAX {
        return Err(TopicNameError::TooLong(name.to_owned()));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')) {
        return Err(TopicNameError::Character(name.to_owned()));
    }
    Ok(())
}

/// The form that colliding names share: metrics cannot tell '.' from '_'. None if the name has neither.
pub fn collision_key(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}

/// Whether the broker itself writes this topic. Kafka marks these in Metadata.
pub fn is_internal_topic(name: &str) -> bool {
    matches!(name, "__consumer_offsets" | "__transaction_state" | "__share_group_state")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "A.b_c-9", "__consumer_offsets", "...", &"x".repeat(249)] {
            assert_eq!(validate_topic_name(good), Ok(()), "{good}");
        }
        let message = |name: &str| validate_topic_name(name).unwrap_err().to_string();
        assert_eq!(message(""), "Topic name is invalid: the empty string is not allowed");
        assert_eq!(message(".."), "Topic name is invalid: '..' is not allowed");
        assert!(message(&"x".repeat(250)).ends_with("' is longer than the max allowed length 249"));
        for bad in ["a b", "é", "a/b", "a\0"] {
            assert!(matches!(validate_topic_name(bad), Err(TopicNameError::Character(_))), "{bad}");
        }
    }

    #[test]
    fn colliding_names_share_a_key() {
        assert_eq!(collision_key("a.b"), collision_key("a_b"));
        assert_eq!(collision_key("ab"), None);
        assert_ne!(collision_key("a.b"), collision_key("a-b"));
    }
}
