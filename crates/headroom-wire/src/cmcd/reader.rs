//! The dictionary walk that the tolerant parser, the strict parser and the validator share.

use super::custom::{CustomKey, CustomValue, MAX_CUSTOM_CHARACTERS, is_custom_name};
use super::field::{Field, ItemParameters, ReadResult, VisitMut, cut};
use super::key::Key;
use super::key_spec::KeySpec;
use super::problem::{ParseError, Problem};
use super::token::{ObjectType, Version};
use super::{Cmcd, MAX_MEMBERS, MAX_RECORD_BYTES};
use crate::percent;
use crate::structured::{BareItem, Cursor, Leniency, SyntaxError};
use std::borrow::Cow;
use std::ops::ControlFlow;

/// What a problem does to the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Coerced,
    Dropped,
}

/// Receives what the reader meets.
pub(super) trait Observer {
    /// A problem with the member named `key`, at byte `position`; the answer says whether to go on.
    fn problem(&mut self, key: &str, position: usize, problem: Problem, effect: Effect) -> ControlFlow<()>;

    /// A reserved key was read whole; `listed` when its value was an inner list.
    fn member(&mut self, key: Key, position: usize, listed: bool);

    /// A custom key was read whole.
    fn custom(&mut self, position: usize);
}

/// Reads one record out of one or several dictionaries.
pub(super) struct Reader<'a, L> {
    cmcd: Cmcd<'a>,
    observer: L,
    leniency: Leniency,
    /// One bit a [`Key`] already read.
    seen: u64,
    members: usize,
}

/// Why a member is not read on: it cannot be used, or the observer wants no more.
enum MemberError {
    Problem(Problem),
    Stop,
}

impl From<Problem> for MemberError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<SyntaxError> for MemberError {
    fn from(syntax: SyntaxError) -> Self {
        Self::Problem(syntax.into())
    }
}

impl<'a, L: Observer> Reader<'a, L> {
    pub(super) fn new(leniency: Leniency, observer: L) -> Self {
        Self { cmcd: Cmcd::default(), observer, leniency, seen: 0, members: 0 }
    }

    /// Reads the members of one dictionary (RFC 9651 §4.2.2). After a fault reading goes on behind the next comma.
    pub(super) fn read(&mut self, text: &'a str) -> Result<(), ParseError> {
        if text.len() > MAX_RECORD_BYTES {
            return Err(ParseError::TooLong { length: text.len(), limit: MAX_RECORD_BYTES });
        }
        let mut cursor = Cursor::new(text, self.leniency);
        cursor.skip_spaces();
        while !cursor.at_end() {
            if self.member(&mut cursor).is_break() || self.separator(&mut cursor).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads up to the next comma or the end; the answer says whether to go on.
    #[inline]
    fn member(&mut self, cursor: &mut Cursor<'a>) -> ControlFlow<()> {
        let start = cursor.position();
        if !self.may_read_another() {
            self.problem("", start, Problem::TooManyMembers, Effect::Dropped)?;
            return ControlFlow::Break(());
        }
        let (name, result) = if let Some(key) = cursor.short_name().and_then(Key::from_packed) {
            (key.wire(), self.reserved(key, start, cursor))
        } else {
            cursor.rewind(start);
            match cursor.key() {
                Ok(name) => match Key::from_wire(name) {
                    Some(key) => (name, self.reserved(key, start, cursor)),
                    None => (name, self.other(name, start, cursor)),
                },
                Err(syntax) => ("", Err(syntax.into())),
            }
        };
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(MemberError::Stop) => ControlFlow::Break(()),
            Err(MemberError::Problem(problem)) => self.recover(name, problem, cursor),
        }
    }

    /// Reports a member that cannot be used and moves to where reading can go on.
    #[cold]
    fn recover(&mut self, name: &str, problem: Problem, cursor: &mut Cursor<'a>) -> ControlFlow<()> {
        self.problem(name, cursor.position(), problem, Effect::Dropped)?;
        if problem == Problem::Syntax(SyntaxError::Unterminated) {
            // No comma of what follows can be told from one inside the open string.
            cursor.skip_to_end();
        }
        cursor.skip_to_comma();
        ControlFlow::Continue(())
    }

    pub(super) fn observer_mut(&mut self) -> &mut L {
        &mut self.observer
    }

    /// Counts a member; false when the record has had its share.
    pub(super) fn may_read_another(&mut self) -> bool {
        self.members += 1;
        self.members <= MAX_MEMBERS
    }

    pub(super) fn problem(&mut self, key: &str, at: usize, problem: Problem, effect: Effect) -> ControlFlow<()> {
        self.observer.problem(key, at, problem, effect)
    }

    /// Moves over a comma and the blanks behind it; a comma at the end of the text is a problem.
    #[inline]
    fn separator(&mut self, cursor: &mut Cursor<'a>) -> ControlFlow<()> {
        let position = cursor.position();
        if cursor.eat(b',') {
            cursor.skip_blanks();
            if cursor.at_end() {
                return self.problem("", position, SyntaxError::TrailingComma.into(), Effect::Coerced);
            }
        }
        ControlFlow::Continue(())
    }

    /// A key of the standard.
    fn reserved(&mut self, key: Key, start: usize, cursor: &mut Cursor<'a>) -> Result<(), MemberError> {
        let spec = key.spec();
        self.begin(key, start)?;
        let result = self.reserved_value(key, spec, cursor);
        match result {
            Ok(listed) => {
                self.observer.member(key, start, listed);
                Ok(())
            }
            Err(fault) => {
                self.cmcd.field_mut(key, Clear);
                Err(fault)
            }
        }
    }

    /// Notes the key; the last of several counts, so an earlier value goes.
    fn begin(&mut self, key: Key, start: usize) -> Result<(), MemberError> {
        let bit = 1 << key as u32;
        if self.seen & bit != 0 {
            self.note(key.wire(), start, Problem::Duplicate, Effect::Dropped)?;
            self.cmcd.field_mut(key, Clear);
        }
        self.seen |= bit;
        Ok(())
    }

    /// Reads `=value`, `=(list)` or nothing and what may follow; says whether it was a list.
    #[inline]
    fn reserved_value(
        &mut self,
        key: Key,
        spec: &'static KeySpec,
        cursor: &mut Cursor<'a>,
    ) -> Result<bool, MemberError> {
        if !cursor.eat(b'=') {
            let mut parameters = self.parameters(cursor)?;
            end_of_member(cursor)?;
            self.take(key, spec, BareItem::Flag(true), &mut parameters, cursor.position())?;
            return Ok(false);
        }
        if cursor.peek() == Some(b'(') {
            self.inner_list(key, spec, cursor)?;
            return Ok(true);
        }
        let start = cursor.position();
        if let Some(value) = cursor.small_number() {
            if cursor.at_comma_or_end() {
                let coercion = self.cmcd.field_mut(key, TakeNumber { value, object_type: None, spec })?;
                self.coercion(spec, start, coercion)?;
                return Ok(false);
            }
            cursor.rewind(start);
        }
        let item = cursor.bare_item()?;
        let mut parameters = self.parameters(cursor)?;
        end_of_member(cursor)?;
        self.take(key, spec, item, &mut parameters, start)?;
        Ok(false)
    }

    /// RFC 9651 §4.2.1.2. A key that is no list takes the first entry.
    fn inner_list(&mut self, key: Key, spec: &'static KeySpec, cursor: &mut Cursor<'a>) -> Result<(), MemberError> {
        let start = cursor.position();
        cursor.eat(b'(');
        let mut taken = 0_usize;
        let mut refused = None;
        loop {
            cursor.skip_spaces();
            if cursor.eat(b')') {
                break;
            }
            if cursor.at_end() {
                return Err(SyntaxError::Unterminated.into());
            }
            let position = cursor.position();
            let answer = if let Some((value, object_type)) = typed_number(cursor)
                && (taken == 0 || spec.value_type.is_list())
            {
                self.cmcd.field_mut(key, TakeNumber { value, object_type, spec })
            } else {
                cursor.rewind(position);
                let item = cursor.bare_item()?;
                let mut parameters = self.parameters(cursor)?;
                cursor.end_of_list_item()?;
                if taken > 0 && !spec.value_type.is_list() {
                    self.note(spec.wire, position, Problem::WrongType, Effect::Dropped)?;
                    continue;
                }
                self.cmcd.field_mut(key, Take { item, parameters: &mut parameters, spec })
            };
            match answer {
                Ok(coercion) => {
                    taken += 1;
                    self.coercion(spec, position, coercion)?;
                }
                Err(problem) => {
                    // One bad entry does not spoil the others; the member is refused when none is left.
                    if let Some((problem, position)) = refused.replace((problem, position)) {
                        self.note(spec.wire, position, problem, Effect::Dropped)?;
                    }
                }
            }
        }
        let list_parameters = self.parameters(cursor)?;
        end_of_member(cursor)?;
        match refused {
            Some((problem, position)) if taken > 0 => self.note(spec.wire, position, problem, Effect::Dropped)?,
            Some((problem, _)) => return Err(problem.into()),
            None if taken == 0 => return Err(Problem::EmptyList.into()),
            None => {}
        }
        if !spec.value_type.is_list() {
            self.note(spec.wire, start, Problem::WrongType, Effect::Coerced)?;
        } else if list_parameters.unexpected || list_parameters.object_type.is_some() {
            self.note(spec.wire, start, Problem::UnexpectedParameter, Effect::Coerced)?;
        }
        Ok(())
    }

    /// All parameters at the cursor.
    #[inline]
    fn parameters(&mut self, cursor: &mut Cursor<'a>) -> Result<ItemParameters<'a>, SyntaxError> {
        let mut parameters = ItemParameters::default();
        if cursor.peek() != Some(b';') {
            return Ok(parameters);
        }
        while let Some(name) = cursor.parameter_key()? {
            parameters.take(name, cursor.parameter_value()?);
        }
        Ok(parameters)
    }

    #[inline]
    fn take(
        &mut self,
        key: Key,
        spec: &'static KeySpec,
        item: BareItem<'a>,
        parameters: &mut ItemParameters<'a>,
        position: usize,
    ) -> Result<(), MemberError> {
        let coercion = self.cmcd.field_mut(key, Take { item, parameters, spec })?;
        self.coercion(spec, position, coercion)
    }

    #[inline]
    fn coercion(&mut self, spec: &KeySpec, position: usize, coercion: Option<Problem>) -> Result<(), MemberError> {
        coercion.map_or(Ok(()), |problem| self.note(spec.wire, position, problem, Effect::Coerced))
    }

    fn note(&mut self, key: &str, position: usize, problem: Problem, effect: Effect) -> Result<(), MemberError> {
        if self.problem(key, position, problem, effect).is_break() { Err(MemberError::Stop) } else { Ok(()) }
    }

    /// A key the standard does not know: kept when it is a custom key, else read past.
    fn other(&mut self, name: &'a str, start: usize, cursor: &mut Cursor<'a>) -> Result<(), MemberError> {
        let value_start = cursor.position();
        let value = custom_value(cursor)?;
        let parameters = self.parameters(cursor)?;
        end_of_member(cursor)?;
        if !is_custom_name(name) {
            return self.note(name, start, Problem::UnknownKey, Effect::Dropped);
        }
        let value = value.ok_or(Problem::WrongType)?;
        if parameters.any() {
            self.note(name, value_start, Problem::UnexpectedParameter, Effect::Coerced)?;
        }
        self.take_custom(Cow::Borrowed(name), value, start)
            .map_or(Ok(()), |(problem, effect)| self.note(name, start, problem, effect))
    }

    /// Files a custom key in order of its name; an earlier one of the same name goes.
    pub(super) fn take_custom(
        &mut self,
        name: Cow<'a, str>,
        mut value: CustomValue<'a>,
        position: usize,
    ) -> Option<(Problem, Effect)> {
        let mut problem = None;
        if let CustomValue::Text(text) | CustomValue::Token(text) = &mut value
            && cut(text, MAX_CUSTOM_CHARACTERS)
        {
            problem = Some((Problem::TooLong, Effect::Coerced));
        }
        let custom = &mut self.cmcd.custom;
        match custom.binary_search_by(|entry| entry.name.as_ref().cmp(name.as_ref())) {
            Ok(index) => {
                custom[index].value = value;
                problem = Some((Problem::Duplicate, Effect::Dropped));
            }
            Err(index) => custom.insert(index, CustomKey { name, value }),
        }
        self.observer.custom(position);
        problem
    }

    /// Reads a value of a reserved key that comes from JSON: `items` in list order.
    pub(super) fn take_items(
        &mut self,
        key: Key,
        items: Vec<(BareItem<'a>, ItemParameters<'a>)>,
        listed: bool,
        position: usize,
    ) {
        let spec = key.spec();
        if self.begin(key, position).is_err() {
            return;
        }
        let mut kept = false;
        let mut refused = None;
        for (item, mut parameters) in items {
            if kept && !spec.value_type.is_list() {
                refused = Some(Problem::WrongType);
                break;
            }
            match self.cmcd.field_mut(key, Take { item, parameters: &mut parameters, spec }) {
                Ok(coercion) => {
                    kept = true;
                    // A observer that wants to stop gets no more members from the caller.
                    let _ = self.coercion(spec, position, coercion);
                }
                Err(problem) => refused = Some(problem),
            }
        }
        if let Some(problem) = refused.or((!kept).then_some(Problem::EmptyList)) {
            let _ = self.problem(spec.wire, position, problem, Effect::Dropped);
        }
        if kept {
            if listed && !spec.value_type.is_list() {
                let _ = self.problem(spec.wire, position, Problem::WrongType, Effect::Coerced);
            }
            self.observer.member(key, position, listed);
        }
    }

    /// Settles what only the whole record decides and hands it out.
    pub(super) fn into_parts(mut self) -> (Cmcd<'a>, L) {
        let cmcd = &mut self.cmcd;
        if cmcd.version == Version::V1 {
            // CTA-5004 §3.1: version 1 percent-encodes the path; version 2 sends it as it is.
            for entry in cmcd.next_objects.iter_mut() {
                if let Some(path) = percent::decode_exact(&entry.path) {
                    entry.path = Cow::Owned(path);
                }
            }
        }
        if let Some(first) = cmcd.next_objects.iter_mut().next()
            && let Some(range) = cmcd.next_range.take()
        {
            first.range.get_or_insert(range);
        }
        (self.cmcd, self.observer)
    }
}

/// `1200`, `1200;v` or `1200;av` inside a list, when that is all there is to the entry: what players send most.
#[inline]
fn typed_number(cursor: &mut Cursor<'_>) -> Option<(u32, Option<ObjectType>)> {
    let value = cursor.small_number()?;
    let object_type = if cursor.eat(b';') { Some(ObjectType::from_wire(cursor.key().ok()?)?) } else { None };
    cursor.end_of_list_item().is_ok().then_some((value, object_type))
}

/// A comma or the end must follow a member.
fn end_of_member(cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
    cursor.skip_blanks();
    if cursor.at_end() || cursor.peek() == Some(b',') { Ok(()) } else { Err(SyntaxError::TrailingCharacters) }
}

/// The value of a key of the application; `None` when it is of a type no CMCD value has.
fn custom_value<'a>(cursor: &mut Cursor<'a>) -> Result<Option<CustomValue<'a>>, SyntaxError> {
    if !cursor.eat(b'=') {
        return Ok(Some(CustomValue::Flag(true)));
    }
    if cursor.peek() == Some(b'(') {
        return Ok(Some(CustomValue::List(Cow::Borrowed(cursor.inner_list()?))));
    }
    Ok(CustomValue::from_item(cursor.bare_item()?))
}

struct Take<'a, 'p> {
    item: BareItem<'a>,
    parameters: &'p mut ItemParameters<'a>,
    spec: &'static KeySpec,
}

impl<'a> VisitMut<'a> for Take<'a, '_> {
    type Output = ReadResult;

    #[inline]
    fn visit<F: Field<'a>>(self, field: &mut F) -> ReadResult {
        field.take(self.item, self.parameters, self.spec)
    }
}

struct TakeNumber {
    value: u32,
    object_type: Option<ObjectType>,
    spec: &'static KeySpec,
}

impl<'a> VisitMut<'a> for TakeNumber {
    type Output = ReadResult;

    #[inline]
    fn visit<F: Field<'a>>(self, field: &mut F) -> ReadResult {
        field.take_number(self.value, self.object_type, self.spec)
    }
}

struct Clear;

impl<'a> VisitMut<'a> for Clear {
    type Output = ();

    fn visit<F: Field<'a>>(self, field: &mut F) {
        field.clear();
    }
}
