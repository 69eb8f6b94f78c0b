//! Pages of a YouTube live chat: the JSON of `liveChatMessages.list` (YouTube Live Streaming API, v3).

use serde::Deserialize;

/// One page of a live chat.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Page {
    /// Milliseconds to wait before the next page is asked for.
    pub polling_interval_millis: Option<u64>,
    /// Token of the next page.
    pub next_page_token: Option<String>,
    /// Time at which the broadcast ended; absent while it goes on.
    pub offline_at: Option<String>,
    /// Events since the previous page.
    pub items: Vec<Item>,
}

/// One event of the chat.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Item {
    /// Identifier of the message.
    pub id: String,
    /// Kind, time and text of the event.
    pub snippet: Snippet,
    /// The author of the message.
    #[serde(rename = "authorDetails")]
    pub author: Author,
}

/// Kind, time and text of an event.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Snippet {
    /// `textMessageEvent` and others.
    #[serde(rename = "type")]
    pub kind: String,
    /// Time of the message, RFC 3339.
    pub published_at: String,
    /// The message as it is shown; bans and the like have none.
    pub display_message: Option<String>,
}

/// The author of a message.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Author {
    /// The author's channel.
    pub channel_id: String,
}

/// Why the API gave no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The day's quota is used up.
    Quota,
    /// Requests come too often.
    TooOften,
    /// The chat is over, switched off or never was.
    Gone,
    /// The key is missing, wrong or lacks the permission.
    Forbidden,
    /// Another error; a later request may succeed.
    Other,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// When the text is no JSON of this shape.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

impl Item {
    /// What was written, with the thanks and gifts that carry a text of their author.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let written =
            matches!(self.snippet.kind.as_str(), "textMessageEvent" | "superChatEvent" | "memberMilestoneChatEvent");
        self.snippet.display_message.as_deref().filter(|text| written && !text.is_empty())
    }
}

impl RequestError {
    /// What an answer other than 200 means (errors of `liveChatMessages.list` and of every Google API).
    #[must_use]
    pub fn of(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            error: Error,
        }
        #[derive(Deserialize)]
        struct Error {
            #[serde(default)]
            errors: Vec<Reason>,
        }
        #[derive(Deserialize)]
        struct Reason {
            #[serde(default)]
            reason: String,
        }
        let reasons = serde_json::from_slice::<Body>(body).map(|body| body.error.errors).unwrap_or_default();
        match reasons.first().map_or("", |first| first.reason.as_str()) {
            "quotaExceeded" | "dailyLimitExceeded" => Self::Quota,
            "rateLimitExceeded" | "userRateLimitExceeded" => Self::TooOften,
            "liveChatEnded" | "liveChatDisabled" | "liveChatNotFound" => Self::Gone,
            "forbidden" | "keyInvalid" | "badRequest" | "accessNotConfigured" => Self::Forbidden,
            _ => match status {
                429 => Self::TooOften,
                400 | 401 | 403 => Self::Forbidden,
                404 => Self::Gone,
                _ => Self::Other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documented_page() {
        let page = Page::parse(
            br#"{"kind":"youtube#liveChatMessageListResponse","etag":"x","nextPageToken":"t2","pollingIntervalMillis":4900,
            "pageInfo":{"totalResults":2,"resultsPerPage":2},"items":[
            {"kind":"youtube#liveChatMessage","id":"m1","snippet":{"type":"textMessageEvent","liveChatId":"c",
            "authorChannelId":"UC1","publishedAt":"2026-11-22T10:00:00.5+00:00","hasDisplayContent":true,
            "displayMessage":"no sound","textMessageDetails":{"messageText":"no sound"}},
            "authorDetails":{"channelId":"UC1","displayName":"Ann","isChatModerator":false}},
            {"id":"m2","snippet":{"type":"userBannedEvent","publishedAt":"x"}}]}"#,
        )
        .unwrap();
        assert_eq!((page.polling_interval_millis, page.next_page_token.as_deref()), (Some(4_900), Some("t2")));
        let texts: Vec<_> = page.items.iter().map(Item::text).collect();
        assert_eq!(texts, [Some("no sound"), None]);
        assert_eq!(page.items[0].author.channel_id, "UC1");
        assert!(Page::parse(b"{").is_err());
    }

    #[test]
    fn errors_are_told_apart() {
        let body =
            |reason: &str| format!(r#"{{"error":{{"code":403,"message":"m","errors":[{{"reason":"{reason}"}}]}}}}"#);
        let cases = [
            (403, body("quotaExceeded"), RequestError::Quota),
            (403, body("rateLimitExceeded"), RequestError::TooOften),
            (403, body("liveChatEnded"), RequestError::Gone),
            (404, body("liveChatNotFound"), RequestError::Gone),
            (403, body("forbidden"), RequestError::Forbidden),
            (429, String::new(), RequestError::TooOften),
            (500, "<html>".into(), RequestError::Other),
        ];
        for (status, body, expected) in cases {
            assert_eq!(RequestError::of(status, body.as_bytes()), expected, "{status} {body}");
        }
    }
}
