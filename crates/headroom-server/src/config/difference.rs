//! What a configuration says that the defaults do not: for the audit, so without what is secret.

use super::load::Config;
use serde_json::Value;
use std::collections::BTreeMap;

/// Replaces a secret.
const HIDDEN: &str = "(not shown)";

/// The settings that differ from the defaults, by the path of their keys.
pub(crate) fn differences(config: &Config) -> BTreeMap<String, Value> {
    // Serialising settings that were deserialised does not fail; an audit without them says at least that there was a start.
    let [ours, defaults] = [config, &Config::default()].map(|config| serde_json::to_value(config).unwrap_or_default());
    let mut found = BTreeMap::new();
    compare("", &ours, &defaults, &mut found);
    found
}

fn compare(path: &str, ours: &Value, default: &Value, found: &mut BTreeMap<String, Value>) {
    match (ours, default) {
        (Value::Object(ours), Value::Object(_)) => {
            for (key, value) in ours {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&below, value, &default[key], found);
            }
        }
        _ if ours == default => {}
        _ => {
            let name = path.rsplit('.').next().unwrap_or_default();
            found.insert(path.to_owned(), shown(name, ours));
        }
    }
}

/// A value without secrets: those of keys and tokens, commands, and the paths of addresses.
fn shown(name: &str, value: &Value) -> Value {
    let secret = ["key", "token", "secret", "password", "command"].iter().any(|word| name.contains(word));
    match value {
        _ if secret && !name.ends_with("_file") && !value.is_number() => HIDDEN.into(),
        Value::String(text) => host_of(text).map_or_else(|| value.clone(), Value::from),
        Value::Array(items) => items.iter().map(|item| shown(name, item)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), shown(key, value))).collect(),
        _ => value.clone(),
    }
}

/// Scheme and host of an address; `None` of other text.
fn host_of(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    Some(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_differences_are_told_and_no_secret() {
        assert_eq!(differences(&Config::default()), BTreeMap::new());
        let text = "tick_ms = 1000\n[identity]\nkey = \"hidden\"\n[control]\ntoken = \"hidden\"\ntoken_file = \"/etc/t\"\n\
                    [edge]\norigin = \"http://user:hidden@origin:8000/\"\n[chat]\nyoutube_key = \"hidden\"\n\
                    [[alerts.webhooks]]\nurl = \"https://hooks.example/services/hidden\"\n\
                    [[speech.voice_chats]]\nstream = \"a\"\ncommand = [\"tool\", \"--pass=hidden\"]\n";
        let found = differences(&toml::from_str(text).unwrap());
        let text = serde_json::to_string(&found).unwrap();
        assert!(!text.contains("hidden"), "{text}");
        assert_eq!((&found["tick_ms"], &found["control.token_file"]), (&1000.into(), &"/etc/t".into()));
        assert_eq!((&found["identity.key"], &found["edge.origin"]), (&HIDDEN.into(), &"http://origin:8000".into()));
        assert_eq!(found["alerts.webhooks"][0]["url"], "https://hooks.example");
    }
}
