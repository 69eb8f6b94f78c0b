//! Complaints and telemetry of one stream, put together.

use super::{
    Aspect, AspectReport, AuthorId, BlindSpot, Classification, Command, Conditions, State,
    claims::{ClaimCount, Claims, WINDOW},
    engagement::{ChatActivity, Engagement},
    habit::{Habit, surprise},
};
use crate::{
    policy::Weights,
    telemetry::StreamId,
    time::{Duration, Timestamp},
};

/// Surprise from which a count is no chance. e⁻¹² a test, five aspects every 2 s make 2·10⁵ tests a day of which about one
/// in fifteen is independent (the window is 30 s): below 0.1 false alarms a day, were chat Poisson.
const UNUSUAL: f64 = 12.0;
/// Different authors an alarm takes at least: fewer may know each other.
const FEWEST: u32 = 4;
/// Share of the authors of the last ten minutes an alarm takes: above the 5 % that may be bought or organised, with room
/// for more than four standard errors of the count.
const LEAST_SHARE: f64 = 0.06;
/// Between ticks, a new complaint is judged at once when nothing was for this long: an alarm should not wait for a tick.
const HASTE: Duration = Duration::from_millis(500);
/// What telemetry could see is given this long to show up: a player that stands still reports with its next request.
const GRACE: Duration = Duration::from_secs(4);
/// A blind spot closes when complaints have been at their usual level for this long.
const CALM: Duration = Duration::from_secs(60);

/// Complaints a message, for each aspect, that are taken to be usual in a chat that is not known yet.
const USUAL_SHARE: f64 = 0.002;
/// However quiet: one complaint in ten minutes is usual.
const USUAL_LEAST_PER_S: f64 = 1.0 / 600.0;
/// The most a habit can become: a stream whose every fiftieth message complains is not well.
const USUAL_MOST: f64 = 0.02;

/// Share of the sessions that must go through what is complained about before telemetry explains it…
const EXPLAINED_SHARE: f64 = 0.05;
/// …and how many times the usual share.
const EXPLAINED_RATIO: f64 = 2.0;

/// Share of the authors at which a wish has its full force.
const FULL_SHARE: f64 = 0.2;
/// Authors at which it has half of it: few voices move little.
const HALF_AUTHORS: f64 = 3.0;
/// Votes count half as much as complaints that telemetry confirms.
const VOTE_FORCE: f64 = 0.5;
/// An influence that nothing feeds any more halves in this time.
const INFLUENCE_HALF_LIFE_S: f64 = 60.0;

/// What viewers of one stream say, and what follows from it.
#[derive(Clone, Debug)]
pub struct Audience {
    stream: StreamId,
    claims: Claims,
    engagement: Engagement,
    aspects: [AspectWatch; Aspect::ALL.len()],
    /// Force of the wishes for no stalls, a better picture, less delay; each 0..=1.
    influence: [f64; 3],
    messages: u64,
    since_tick: u32,
    last_heard: Timestamp,
    last_tick: Timestamp,
    conditions: Conditions,
    /// Most sessions seen lately.
    peak_sessions: f64,
    activity: ChatActivity,
    weights: Weights,
}

/// One aspect, followed.
#[derive(Clone, Debug)]
struct AspectWatch {
    /// Complaints a message.
    usual: Habit,
    /// Share of the sessions that telemetry sees affected.
    usual_affected: Habit,
    /// Complaints that were new since the last tick.
    fresh: u32,
    unusual: bool,
    explained: bool,
    last_unusual: Timestamp,
    open: Option<BlindSpot>,
}

/// What changed at a tick.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The weights are others now.
    Weights(Weights),
    /// Viewers complain about what telemetry does not see.
    Raised(BlindSpot),
    /// They stopped.
    Cleared(Aspect),
}

impl Audience {
    /// An audience without a message.
    #[must_use]
    pub fn new(stream: StreamId, now: Timestamp) -> Self {
        let watch = AspectWatch {
            usual: Habit::guess(USUAL_SHARE),
            usual_affected: Habit::guess(0.0),
            fresh: 0,
            unusual: false,
            explained: false,
            last_unusual: Timestamp::EPOCH,
            open: None,
        };
        Self {
            stream,
            claims: Claims::default(),
            engagement: Engagement::new(now),
            aspects: std::array::from_fn(|_| watch.clone()),
            influence: [0.0; 3],
            messages: 0,
            since_tick: 0,
            last_heard: now,
            last_tick: now,
            conditions: Conditions::default(),
            peak_sessions: 0.0,
            activity: ChatActivity::default(),
            weights: Weights::default(),
        }
    }

    /// Takes in a message. `vote` when its command, if any, has no session to act on.
    pub fn observe(&mut self, author: AuthorId, at: Timestamp, id: &str, reading: &Classification, vote: bool) {
        let at = at.max(self.last_heard);
        self.last_heard = at;
        self.messages += 1;
        self.since_tick = self.since_tick.saturating_add(1);
        self.claims.expire(at);
        for aspect in self.claims.observe(author, at, id, reading, vote).iter() {
            self.aspects[aspect as usize].fresh += 1;
        }
        self.engagement.observe(author, at, reading);
    }

    /// Judges the window against the stream's habit and against what telemetry says.
    pub fn tick(&mut self, now: Timestamp, conditions: Conditions) -> Vec<Change> {
        let span = now.since(self.last_tick);
        self.last_tick = now;
        self.conditions = conditions;
        self.claims.expire(now);
        let stay = self.viewers_stay(span);
        self.activity = self.engagement.judge(now, span, stay);
        let mut changes = Vec::new();
        for aspect in Aspect::ALL {
            changes.extend(self.follow(aspect, now, span));
        }
        self.since_tick = 0;
        self.shift(span);
        let weights = self.wanted();
        if weights != self.weights {
            self.weights = weights;
            changes.push(Change::Weights(weights));
        }
        changes
    }

    /// Judges between ticks when there is a new complaint, against the latest telemetry.
    pub fn hasten(&mut self, now: Timestamp) -> Vec<Change> {
        let news = self.aspects.iter().any(|watch| watch.fresh > 0 && watch.open.is_none());
        match news && now.since(self.last_tick) >= HASTE {
            true => self.tick(now, self.conditions),
            false => Vec::new(),
        }
    }

    /// When the last message came in.
    #[must_use]
    pub const fn last_heard(&self) -> Timestamp {
        self.last_heard
    }

    /// Whether nothing would be lost by forgetting it but its habits.
    #[must_use]
    pub fn is_neutral(&self) -> bool {
        self.weights == Weights::default() && self.aspects.iter().all(|watch| watch.open.is_none())
    }

    /// How much each objective matters now; each in `0.5..=2`.
    #[must_use]
    pub const fn weights(&self) -> Weights {
        self.weights
    }

    /// Everything, for people.
    #[must_use]
    pub fn state(&self) -> State {
        let aspect = |aspect: Aspect| {
            let watch = &self.aspects[aspect as usize];
            let count = self.claims.complaints(aspect);
            AspectReport {
                aspect,
                complaints: count.authors,
                usual: self.expected(watch),
                share: self.share(count),
                explained: watch.unusual && watch.explained,
                blind_spot: watch.open.is_some(),
            }
        };
        State {
            stream: self.stream,
            at: self.last_tick,
            messages: self.messages,
            messages_per_minute: self.activity.messages_per_minute,
            authors: self.activity.authors,
            recent_authors: self.activity.recent_authors,
            mood: self.activity.mood,
            engagement: self.activity.score,
            aspects: Aspect::ALL.map(aspect).into(),
            votes: [0, 1, 2].map(|wish| self.votes(wish).authors),
            telemetry: self.conditions,
            weights: self.weights,
            blind_spots: self.aspects.iter().filter_map(|watch| watch.open.clone()).collect(),
        }
    }

    /// Follows one aspect: unusual or not, explained or not, alarm or not.
    fn follow(&mut self, aspect: Aspect, now: Timestamp, span: Duration) -> Option<Change> {
        let count = self.claims.complaints(aspect);
        let share = self.share(count);
        let expected = self.expected(&self.aspects[aspect as usize]);
        let explained = self.explains(aspect);
        let (messages, fresh) = (f64::from(self.since_tick), self.aspects[aspect as usize].fresh);
        let affected = self.conditions.affected(aspect);
        let watch = &mut self.aspects[aspect as usize];
        watch.fresh = 0;
        watch.explained = explained;
        watch.unusual = count.authors >= FEWEST && share >= LEAST_SHARE && surprise(count.weight, expected) >= UNUSUAL;
        if watch.unusual {
            watch.last_unusual = now;
        } else if messages > 0.0 {
            // What is usual is learned from usual times only, and never by leaps.
            let seen = f64::from(fresh) / messages;
            watch.usual.learn(seen.min(USUAL_MOST), span);
        }
        if !watch.unusual
            && let Some(affected) = affected
        {
            watch.usual_affected.learn(affected, span);
        }
        let since = count.since.unwrap_or(now);
        let waited = affected.is_none() || now.since(since) >= GRACE;
        if watch.unusual && !explained && waited && watch.open.is_none() {
            let blind_spot = BlindSpot {
                stream: self.stream,
                aspect,
                at: now,
                since,
                complaints: count.authors,
                usual: expected,
                share,
                messages: self.claims.examples(aspect),
                telemetry: self.conditions,
            };
            watch.open = Some(blind_spot.clone());
            return Some(Change::Raised(blind_spot));
        }
        if watch.open.is_some() && now.since(watch.last_unusual) >= CALM {
            watch.open = None;
            return Some(Change::Cleared(aspect));
        }
        None
    }

    /// Complaints usual within the window.
    fn expected(&self, watch: &AspectWatch) -> f64 {
        let per_s = self.activity.messages_per_minute / 60.0 * watch.usual.value().min(USUAL_MOST);
        per_s.max(USUAL_LEAST_PER_S) * WINDOW.as_secs_f64()
    }

    /// Share of those who wrote within ten minutes.
    fn share(&self, count: ClaimCount) -> f64 {
        (f64::from(count.authors) / self.activity.recent_authors.max(1.0)).min(1.0)
    }

    /// Whether telemetry shows what `aspect` is about, and more of it than usual.
    fn explains(&self, aspect: Aspect) -> bool {
        let Some(affected) = self.conditions.affected(aspect) else { return false };
        let usual = self.aspects[aspect as usize].usual_affected.value();
        affected >= EXPLAINED_SHARE && affected >= EXPLAINED_RATIO * usual
    }

    /// Moves the influences: up at once, down slowly.
    fn shift(&mut self, span: Duration) {
        let faded = (-span.as_secs_f64() / INFLUENCE_HALF_LIFE_S).exp2();
        for (wish, aspect) in [Aspect::Buffering, Aspect::Picture, Aspect::Latency].into_iter().enumerate() {
            let count = self.claims.complaints(aspect);
            let beyond = (count.weight - self.expected(&self.aspects[aspect as usize])).max(0.0);
            let complaint = if self.aspects[aspect as usize].explained { self.force(count, beyond) } else { 0.0 };
            let votes = self.votes(wish);
            let vote = VOTE_FORCE * self.force(votes, votes.weight);
            let wanted = (complaint + vote).min(1.0);
            self.influence[wish] = wanted.max(self.influence[wish] * faded);
        }
    }

    /// How much `beyond` the usual counts, 0..=1, for a claim of as many authors.
    fn force(&self, count: ClaimCount, beyond: f64) -> f64 {
        (self.share(count) / FULL_SHARE).min(1.0) * (beyond / (beyond + HALF_AUTHORS))
    }

    /// Who asks to be careful (0), for a better picture (1), for less delay (2).
    fn votes(&self, wish: usize) -> ClaimCount {
        self.claims.votes(|command| match command {
            Command::LowerQuality | Command::MoreBuffer => wish == 0,
            Command::RaiseQuality => wish == 1,
            Command::LowerLatency => wish == 2,
            Command::SetQuality(_) | Command::Status => false,
        })
    }

    /// Weights in `0.5..=2`: a wish raises its own weight and lowers those of the objectives it trades against, half as much.
    fn wanted(&self) -> Weights {
        let [calm, picture, prompt] = self.influence;
        // In hundredths: smaller steps change no decision and would fill the log.
        let weight = |power: f64| ((power.exp2() * 100.0).round() / 100.0) as f32;
        Weights {
            stall: weight(calm - picture / 2.0 - prompt / 2.0),
            quality: weight(picture - calm / 2.0),
            latency: weight(prompt - calm / 2.0),
        }
        .bounded()
    }

    /// Share of the recent peak of sessions that is still there; `None` without telemetry.
    fn viewers_stay(&mut self, span: Duration) -> Option<f64> {
        let sessions = f64::from(self.conditions.sessions);
        // The peak fades over the ten minutes that count as recent.
        self.peak_sessions = sessions.max(self.peak_sessions * (-span.as_secs_f64() / 600.0).exp());
        (self.peak_sessions >= 1.0).then(|| sessions / self.peak_sessions)
    }
}
