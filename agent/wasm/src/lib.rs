//! The engine for one page: the same inputs as a server's engine, one JSON object a question, and the same decisions.
//!
//! A page writes a [`Question`] at [`reserve`]d memory, calls [`ask`] and reads an [`Answer`] at [`answer`]. WebAssembly has
//! one thread, so there is one engine.

use headroom_core::{
    decision::Reason,
    engine::{Config, Engine, Input, Output},
    ladder::RungIndex,
    telemetry::SessionId,
    time::Timestamp,
    units::Bitrate,
};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

/// What a page asks.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    /// Begins anew.
    Begin,
    /// Something happened: a line of an input log.
    Input(Input),
    /// What to fetch next.
    Advise {
        session: SessionId,
        #[serde(rename = "at_us")]
        at: Timestamp,
    },
}

/// What the page is told.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// What the engine has to say after an input: lines of a decision log.
    Outputs(Vec<Output>),
    /// What to fetch next; nothing where the player knows better.
    Advice(Option<Advice>),
    /// The question cannot be read.
    Error(String),
}

/// The rung to fetch next.
#[derive(Serialize)]
struct Advice {
    /// From the lowest, 0.
    rung: RungIndex,
    /// Of its picture.
    bitrate_kbps: Bitrate,
    /// Why.
    reason: Reason,
}

/// The engine, and the memory it shares with the page.
struct Page {
    engine: Engine,
    question: Vec<u8>,
    answer: Vec<u8>,
}

thread_local! {
    static PAGE: RefCell<Page> = RefCell::new(Page {
        engine: Engine::new(Config::default()),
        question: Vec::new(),
        answer: Vec::new(),
    });
}

/// Where to write the next question, which has `length` bytes.
#[expect(unsafe_code, reason = "a page finds it by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *const u8 {
    PAGE.with_borrow_mut(|page| {
        page.question.clear();
        page.question.resize(length, 0);
        page.question.as_ptr()
    })
}

/// Answers the question that was written, and says how many bytes the answer has.
#[expect(unsafe_code, reason = "a page finds it by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn ask() -> usize {
    PAGE.with_borrow_mut(|page| {
        let answer = match serde_json::from_slice(&page.question) {
            Ok(question) => page.engine_answers(question),
            Err(error) => Answer::Error(error.to_string()),
        };
        page.answer.clear();
        // A vector takes every byte, and these types have no key that is no text.
        let _ = serde_json::to_writer(&mut page.answer, &answer);
        page.answer.len()
    })
}

/// Where the answer lies.
#[expect(unsafe_code, reason = "a page finds it by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    PAGE.with_borrow(|page| page.answer.as_ptr())
}

impl Page {
    fn engine_answers(&mut self, question: Question) -> Answer {
        match question {
            Question::Begin => {
                self.engine = Engine::new(Config::default());
                Answer::Outputs(Vec::new())
            }
            Question::Input(input) => {
                self.engine.handle_input(input);
                Answer::Outputs(std::iter::from_fn(|| self.engine.poll_output()).collect())
            }
            Question::Advise { session, at } => Answer::Advice(self.advise(session, at)),
        }
    }

    fn advise(&self, session: SessionId, at: Timestamp) -> Option<Advice> {
        let proposal = self.engine.advise(session, at)?;
        let ladder = self.engine.ladder(self.engine.view(session)?.stream);
        Some(Advice { rung: proposal.rung, bitrate_kbps: ladder.bitrate(proposal.rung), reason: proposal.reason })
    }
}
