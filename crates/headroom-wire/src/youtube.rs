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
    /// The message as it is shown; bans and the like have none. Of a Super Chat it names the viewer and the amount.
    pub display_message: Option<String>,
    /// What the buyer of a Super Chat wrote.
    pub super_chat_details: Comment,
    /// What a member wrote at a milestone.
    pub member_milestone_chat_details: Comment,
    /// The message that was deleted.
    pub message_deleted_details: DeletedMessage,
    /// Who was banned.
    pub user_banned_details: BannedUser,
}

/// Words beside an event.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Comment {
    /// The words; without any, empty or missing.
    pub user_comment: Option<String>,
}

/// A message that a moderator deleted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeletedMessage {
    /// Its identifier.
    pub deleted_message_id: Option<String>,
}

/// A viewer whose messages are gone.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct BannedUser {
    /// The viewer.
    #[serde(rename = "bannedUserDetails")]
    pub user: Author,
}

/// What a moderator deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion<'a> {
    /// One message.
    Message(&'a str),
    /// Every message of a channel.
    Author(&'a str),
}

/// The author of a message.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Author {
    /// The author's channel.
    pub channel_id: String,
    /// Whether the author moderates the chat.
    pub is_chat_moderator: bool,
    /// Whether the broadcast is the author's.
    pub is_chat_owner: bool,
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
    /// What the author wrote. Of an event that was paid for only the comment: what is shown of it names viewer and amount.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let snippet = &self.snippet;
        let text = match snippet.kind.as_str() {
            "textMessageEvent" => &snippet.display_message,
            "superChatEvent" => &snippet.super_chat_details.user_comment,
            "memberMilestoneChatEvent" => &snippet.member_milestone_chat_details.user_comment,
            _ => &None,
        };
        text.as_deref().filter(|text| !text.trim().is_empty())
    }

    /// What the event deletes.
    #[must_use]
    pub fn deletion(&self) -> Option<Deletion<'_>> {
        let snippet = &self.snippet;
        match snippet.kind.as_str() {
            "messageDeletedEvent" => {
                snippet.message_deleted_details.deleted_message_id.as_deref().map(Deletion::Message)
            }
            "userBannedEvent" => {
                let author = snippet.user_banned_details.user.channel_id.as_str();
                (!author.is_empty()).then_some(Deletion::Author(author))
            }
            _ => None,
        }
    }

    /// Whether the author moderates the chat or owns it.
    #[must_use]
    pub const fn is_from_moderator(&self) -> bool {
        self.author.is_chat_moderator || self.author.is_chat_owner
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

    /// Events as the Live Streaming API documents them, with other values.
    #[test]
    fn of_paid_messages_only_the_comment_is_read_and_deletions_are_seen() {
        let page = Page::parse(
            br#"{"items":[
            {"id":"s1","snippet":{"type":"superChatEvent","displayMessage":"$4.00 from @somebody: \"black screen\"",
             "superChatDetails":{"amountDisplayString":"$4.00","userComment":"black screen"}},"authorDetails":{"channelId":"UC1"}},
            {"id":"s2","snippet":{"type":"superChatEvent","displayMessage":"$5.00 from @another",
             "superChatDetails":{"amountDisplayString":"$5.00"}},"authorDetails":{"channelId":"UC2"}},
            {"id":"s3","snippet":{"type":"superStickerEvent","displayMessage":"$5.00 from @another"},"authorDetails":{"channelId":"UC2"}},
            {"id":"g1","snippet":{"type":"memberMilestoneChatEvent","displayMessage":"x",
             "memberMilestoneChatDetails":{"userComment":"no sound","memberMonth":3}},
             "authorDetails":{"channelId":"UC3","isChatModerator":true}},
            {"id":"d1","snippet":{"type":"messageDeletedEvent","messageDeletedDetails":{"deletedMessageId":"s1"}}},
            {"id":"d2","snippet":{"type":"userBannedEvent","userBannedDetails":{"bannedUserDetails":{"channelId":"UC2"},"banType":"permanent"}}}
            ]}"#,
        )
        .unwrap();
        let texts: Vec<_> = page.items.iter().map(Item::text).collect();
        assert_eq!(texts, [Some("black screen"), None, None, Some("no sound"), None, None]);
        let deletions: Vec<_> = page.items.iter().filter_map(Item::deletion).collect();
        assert_eq!(deletions, [Deletion::Message("s1"), Deletion::Author("UC2")]);
        assert_eq!(page.items.iter().filter(|item| item.is_from_moderator()).count(), 1);
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
