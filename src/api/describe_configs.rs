//! DescribeConfigs (32): settings of topics and of this broker, with where each value comes from.

use super::{Api, Call};
use crate::config::broker::BrokerConfig;
use crate::config::describe::{ConfigEntry, ConfigSynonym, DynamicConfigs, describe_broker, describe_topic};
use crate::config::topic::TopicOverrides;
use crate::image::{Image, validate_topic_name};
use crate::wire::messages::{
    DescribeConfigsRequest, DescribeConfigsRequestResource, DescribeConfigsResponse,
    DescribeConfigsResponseConfig, DescribeConfigsResponseResult, DescribeConfigsResponseSynonym,
};
use crate::wire::{ErrorCode, Str};

/// Asked of any broker; a broker's own settings of that broker.
pub const API: Api = Api { key: 32, versions: 0..=4 };

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Errors per resource: UnknownTopicOrPartition (3), InvalidTopic (17), InvalidRequest (42).
pub async fn handle(call: &Call, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let image = call.shard().image();
    let config = call.shard().config();
    let answer = |resource: &DescribeConfigsRequestResource| {
        let name = &resource.resource_name;
        let entries = match resource.resource_type {
            TOPIC => of_topic(&image, config, name),
            BROKER => of_broker(config, name),
            other => Err((ErrorCode::InvalidRequest, Some(format!("Unsupported resource type: {other}")))),
        };
        let (entries, code, message) = match entries {
            Ok(entries) => (entries, ErrorCode::None, Str::EMPTY),
            Err((code, message)) => (Vec::new(), code, message.map_or(Str::EMPTY, Str::from)),
        };
        // No key at all asks for all of them, as null does.
        let keys = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty());
        let wanted =
            |entry: &ConfigEntry| keys.is_none_or(|keys| keys.iter().any(|key| **key == *entry.name));
        DescribeConfigsResponseResult {
            error_code: code.code(),
            error_message: Some(message),
            resource_type: resource.resource_type,
            resource_name: name.clone(),
            configs: entries.into_iter().filter(wanted).map(|entry| describe(entry, &request)).collect(),
        }
    };
    DescribeConfigsResponse { results: request.resources.iter().map(answer).collect(), ..Default::default() }
}

type Entries = Result<Vec<ConfigEntry>, (ErrorCode, Option<String>)>;

fn of_topic(image: &Image, config: &BrokerConfig, name: &str) -> Entries {
    validate_topic_name(name).map_err(|error| (ErrorCode::InvalidTopicException, Some(error.to_string())))?;
    let topic = image.topic(name).ok_or((ErrorCode::UnknownTopicOrPartition, None))?;
    Ok(topic_entries(config, &topic.configs))
}

/// Every setting of a topic with these of its own: also what CreateTopics answers.
pub fn topic_entries(config: &BrokerConfig, overrides: &TopicOverrides) -> Vec<ConfigEntry> {
    describe_topic(&config.settings, &DynamicConfigs::default(), overrides)
}

fn of_broker(config: &BrokerConfig, name: &str) -> Entries {
    let own = config.node_id.to_string();
    if name.is_empty() {
        // The settings of all brokers at once: none can be changed at run time yet.
        return Ok(Vec::new());
    }
    if name != own {
        let text = format!("Unexpected broker id, expected {own} or empty string, but received {name}");
        return Err((ErrorCode::InvalidRequest, Some(text)));
    }
    Ok(describe_broker(&config.settings, &DynamicConfigs::default()))
}

fn describe(entry: ConfigEntry, request: &DescribeConfigsRequest) -> DescribeConfigsResponseConfig {
    let synonym = |synonym: ConfigSynonym| DescribeConfigsResponseSynonym {
        name: synonym.name.into(),
        value: synonym.value.map(Str::from),
        source: synonym.source.wire_code(),
    };
    let synonyms = if request.include_synonyms { entry.synonyms } else { Vec::new() };
    DescribeConfigsResponseConfig {
        name: entry.name.into(),
        value: entry.value.map(Str::from),
        read_only: entry.read_only,
        // Only in version 0, where Kafka never sets it.
        is_default: false,
        config_source: entry.source.wire_code(),
        is_sensitive: entry.sensitive,
        synonyms: synonyms.into_iter().map(synonym).collect(),
        config_type: entry.kind.wire_code(),
        documentation: request.include_documentation.then(|| entry.documentation.into()),
    }
}
