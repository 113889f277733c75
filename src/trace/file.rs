//! Traces as files (`.ltr`): `LTR1`, then sections of a tag, a length and what they hold, the last
//! one a digest of all before. Sections that are not known are passed over.

use super::bytes::{Reader, Wrong, put_bytes, put_fixed, put_list, put_text, put_uint};
use super::{
    Answer, Ending, Event, Input, Log, Named, ProgramId, RunSettings, SCHEDULING, Trace, digest,
};

const MAGIC: &[u8] = b"LTR1";
/// Grows when a section's contents change so that old readers would misread them.
const MAJOR: u64 = 1;
/// Grows with new sections.
const MINOR: u64 = 0;

impl Trace {
    /// The file's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let mut section = |tag: &[u8; 4], fill: &dyn Fn(&mut Vec<u8>)| {
            let mut body = Vec::new();
            fill(&mut body);
            out.extend(tag);
            put_bytes(&mut out, &body);
        };
        section(b"HEAD", &|o| {
            for n in [MAJOR, MINOR, SCHEDULING] {
                put_uint(o, n);
            }
            put_text(o, env!("CARGO_PKG_VERSION"));
        });
        section(b"PROG", &|o| put_program(o, &self.program));
        section(b"CONF", &|o| put_settings(o, &self.settings));
        section(b"DECN", &|o| put_list(o, &self.deviations, put_named));
        section(b"INPT", &|o| put_list(o, &self.inputs, put_input));
        section(b"OUTP", &|o| {
            for (length, hash) in self.output {
                put_uint(o, length);
                put_fixed(o, hash);
            }
        });
        section(b"CHKP", &|o| {
            put_fixed(o, self.log.hash);
            put_uint(o, self.log.count);
            put_list(o, &self.log.checks, |o, n| put_fixed(o, *n));
        });
        section(b"EVNT", &|o| {
            put_list(o, &self.log.names, |o, name| put_text(o, name));
            put_list(o, &self.log.events, put_event);
        });
        section(b"FAIL", &|o| put_ending(o, &self.end));
        section(b"HIST", &|o| {
            put_list(o, &self.history, |o, line| put_text(o, line))
        });
        let sum = digest(&out);
        out.extend(b"DONE");
        put_uint(&mut out, 8);
        put_fixed(&mut out, sum);
        out
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Why it is no trace that this version can replay.
    pub fn decode(bytes: &[u8]) -> Result<Trace, Wrong> {
        let Some(body) = bytes.strip_prefix(MAGIC) else {
            return Err("it is no trace: it does not begin with LTR1".to_owned());
        };
        let mut reader = Reader(body);
        let mut trace = Trace::default();
        let (mut has_head, mut has_program) = (false, false);
        loop {
            let before = bytes.len() - reader.0.len();
            let tag = reader.take(4)?;
            let mut r = Reader(reader.bytes()?);
            match tag {
                b"HEAD" => {
                    head(&mut r)?;
                    has_head = true;
                }
                _ if !has_head => return Err("its first section is not HEAD".to_owned()),
                b"PROG" => {
                    trace.program = program(&mut r)?;
                    has_program = true;
                }
                b"CONF" => trace.settings = settings(&mut r)?,
                b"DECN" => trace.deviations = r.list(named)?,
                b"INPT" => trace.inputs = r.list(input)?,
                b"OUTP" => {
                    for of_stream in &mut trace.output {
                        *of_stream = (r.uint()?, r.fixed()?);
                    }
                }
                b"CHKP" => {
                    (trace.log.hash, trace.log.count) = (r.fixed()?, r.uint()?);
                    trace.log.checks = r.list(Reader::fixed)?;
                }
                b"EVNT" => events(&mut r, &mut trace.log)?,
                b"FAIL" => trace.end = ending(&mut r)?,
                b"HIST" => trace.history = r.list(Reader::text)?,
                b"DONE" if r.fixed()? == digest(&bytes[..before]) && reader.0.is_empty() => break,
                b"DONE" => return Err("it is damaged: its digest does not fit".to_owned()),
                _ => {}
            }
        }
        if !has_program {
            return Err("it names no program".to_owned());
        }
        Ok(trace)
    }
}

fn head(r: &mut Reader<'_>) -> Result<(), Wrong> {
    let (major, _minor, scheduling) = (r.uint()?, r.uint()?, r.uint()?);
    if major != MAJOR {
        return Err(format!("its format is {major}; this version reads {MAJOR}"));
    }
    if scheduling != SCHEDULING {
        return Err(format!(
            "it was made under scheduling rules {scheduling}; this version has {SCHEDULING}"
        ));
    }
    Ok(())
}

fn put_program(o: &mut Vec<u8>, p: &ProgramId) {
    put_text(o, &p.path);
    put_option(o, p.test.as_ref(), |o, test| put_text(o, test));
    put_list(o, &p.arguments, |o, argument| put_text(o, argument));
    put_list(o, &p.functions, |o, (name, hash)| {
        put_text(o, name);
        put_fixed(o, *hash);
    });
}

fn program(r: &mut Reader<'_>) -> Result<ProgramId, Wrong> {
    Ok(ProgramId {
        path: r.text()?,
        test: option(r, Reader::text)?,
        arguments: r.list(Reader::text)?,
        functions: r.list(|r| Ok((r.text()?, r.fixed()?)))?,
    })
}

fn put_option<T>(o: &mut Vec<u8>, value: Option<T>, put: impl Fn(&mut Vec<u8>, T)) {
    put_uint(o, u64::from(value.is_some()));
    if let Some(value) = value {
        put(o, value);
    }
}

fn option<'a, T>(
    r: &mut Reader<'a>,
    item: impl Fn(&mut Reader<'a>) -> Result<T, Wrong>,
) -> Result<Option<T>, Wrong> {
    match r.uint()? {
        0 => Ok(None),
        _ => item(r).map(Some),
    }
}

fn put_settings(o: &mut Vec<u8>, s: &RunSettings) {
    put_uint(o, s.seed);
    put_uint(o, u64::from(s.virtual_clock));
    put_option(o, s.max_memory, put_uint);
    put_uint(o, s.max_stack);
    put_uint(o, s.faults);
}

fn settings(r: &mut Reader<'_>) -> Result<RunSettings, Wrong> {
    Ok(RunSettings {
        seed: r.uint()?,
        virtual_clock: r.uint()? != 0,
        max_memory: option(r, Reader::uint)?,
        max_stack: r.uint()?,
        faults: r.uint()?,
    })
}

fn put_named(o: &mut Vec<u8>, d: &Named) {
    put_text(o, &d.fiber);
    put_uint(o, d.ordinal.into());
    put_uint(o, u32::from(d.decision).into());
    put_uint(o, d.nth.into());
    put_text(o, &d.chosen);
    put_uint(o, d.object);
}

fn named(r: &mut Reader<'_>) -> Result<Named, Wrong> {
    let named = Named {
        fiber: r.text()?,
        ordinal: r.small()?,
        decision: char::from_u32(r.small()?).unwrap_or('?'),
        nth: r.small()?,
        chosen: r.text()?,
        object: r.uint()?,
    };
    match named.deviation() {
        Some(_) => Ok(named),
        None => Err(format!("`{named}` is no choice")),
    }
}

fn put_input(o: &mut Vec<u8>, input: &Input) {
    put_text(o, &input.call);
    match &input.answer {
        Answer::Nothing => put_uint(o, 0),
        Answer::Bytes(bytes) => {
            put_uint(o, 1);
            put_bytes(o, bytes);
        }
        Answer::Failed(kind, message) => {
            put_uint(o, 2);
            put_text(o, kind);
            put_text(o, message);
        }
    }
}

fn input(r: &mut Reader<'_>) -> Result<Input, Wrong> {
    Ok(Input {
        call: r.text()?,
        answer: match r.uint()? {
            0 => Answer::Nothing,
            1 => Answer::Bytes(r.bytes()?.to_vec()),
            2 => Answer::Failed(r.text()?, r.text()?),
            other => return Err(format!("there is no answer of kind {other}")),
        },
    })
}

fn put_event(o: &mut Vec<u8>, e: &Event) {
    for n in [e.fiber, e.ordinal, e.op] {
        put_uint(o, n.into());
    }
    put_uint(o, e.object);
    put_uint(o, e.outcome);
}

fn events(r: &mut Reader<'_>, log: &mut Log) -> Result<(), Wrong> {
    log.names = r.list(Reader::text)?;
    log.events = r.list(|r| {
        Ok(Event {
            fiber: r.small()?,
            ordinal: r.small()?,
            op: r.small()?,
            object: r.uint()?,
            outcome: r.uint()?,
        })
    })?;
    Ok(())
}

fn put_ending(o: &mut Vec<u8>, e: &Ending) {
    for text in [&e.word, &e.kind, &e.message, &e.location] {
        put_text(o, text);
    }
    put_uint(o, e.code);
}

fn ending(r: &mut Reader<'_>) -> Result<Ending, Wrong> {
    Ok(Ending {
        word: r.text()?,
        kind: r.text()?,
        message: r.text()?,
        location: r.text()?,
        code: r.uint()?,
    })
}
