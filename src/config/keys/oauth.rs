//! Keys of SASL logins and OAUTHBEARER.

use crate::config::key::Bounds::{Between, OneOfAnyCase};
use crate::config::key::Kind::{Boolean, Class, Double, Int, List, Long, Password, Short, String};
use crate::config::key::{Key, key};

/// The rows.
pub const KEYS: &[Key] = &[
    key(Class, "sasl.login.callback.handler.class", "").null(),
    key(Class, "sasl.login.class", "").null(),
    key(Int, "sasl.login.connect.timeout.ms", "").null().low(),
    key(Int, "sasl.login.read.timeout.ms", "").null().low(),
    key(Short, "sasl.login.refresh.buffer.seconds", "300").per_broker(),
    key(Short, "sasl.login.refresh.min.period.seconds", "60").per_broker(),
    key(Double, "sasl.login.refresh.window.factor", "0.8").per_broker(),
    key(Double, "sasl.login.refresh.window.jitter", "0.05").per_broker(),
    key(Long, "sasl.login.retry.backoff.max.ms", "10000").low(),
    key(Long, "sasl.login.retry.backoff.ms", "100").low(),
    key(String, "sasl.oauthbearer.assertion.algorithm", "RS256").bounds(OneOfAnyCase(&["ES256", "RS256"])),
    key(String, "sasl.oauthbearer.assertion.claim.aud", "").null(),
    key(Int, "sasl.oauthbearer.assertion.claim.exp.seconds", "300").bounds(Between(0, 86400)).low(),
    key(String, "sasl.oauthbearer.assertion.claim.iss", "").null(),
    key(Boolean, "sasl.oauthbearer.assertion.claim.jti.include", "false"),
    key(Int, "sasl.oauthbearer.assertion.claim.nbf.seconds", "60").bounds(Between(0, 3600)).low(),
    key(String, "sasl.oauthbearer.assertion.claim.sub", "").null(),
    key(String, "sasl.oauthbearer.assertion.file", "").null(),
    key(String, "sasl.oauthbearer.assertion.private.key.file", "").null(),
    key(Password, "sasl.oauthbearer.assertion.private.key.passphrase", "").null(),
    key(String, "sasl.oauthbearer.assertion.template.file", "").null(),
    key(String, "sasl.oauthbearer.client.credentials.client.id", "").null(),
    key(Password, "sasl.oauthbearer.client.credentials.client.secret", "").null(),
    key(Int, "sasl.oauthbearer.clock.skew.seconds", "30").low(),
    key(List, "sasl.oauthbearer.expected.audience", "").high(),
    key(String, "sasl.oauthbearer.expected.issuer", "").null().high(),
    key(Long, "sasl.oauthbearer.jwks.endpoint.refresh.ms", "3600000").low(),
    key(Long, "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "10000").low(),
    key(Long, "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "100").low(),
    key(String, "sasl.oauthbearer.jwks.endpoint.url", "").null(),
    key(
        Class,
        "sasl.oauthbearer.jwt.retriever.class",
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
    ),
    key(
        Class,
        "sasl.oauthbearer.jwt.validator.class",
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
    ),
    key(String, "sasl.oauthbearer.scope", "").null(),
    key(String, "sasl.oauthbearer.scope.claim.name", "scope").low(),
    key(String, "sasl.oauthbearer.sub.claim.name", "sub").low(),
    key(String, "sasl.oauthbearer.token.endpoint.url", "").null(),
];
