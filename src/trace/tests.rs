//! What is written is read again, and nothing else is taken for it.

use proptest::prelude::*;

use super::line::{Line, short_digest};
use super::{Answer, Ending, Event, Input, Log, Named, ProgramId, RunSettings, Trace};

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(1_u32..500, 0..4).prop_map(|ordinals| {
            let rest: Vec<String> = ordinals.iter().map(|n| format!(".{n}")).collect();
            format!("main{}", rest.concat())
        }),
        any::<u64>().prop_map(|hash| format!("#{hash:016x}")),
    ]
}

fn named() -> impl Strategy<Value = Named> {
    let decision = prop_oneof![Just('S'), Just('A'), Just('T'), Just('F')];
    let place = (path(), any::<u32>(), decision, any::<u32>());
    (place, path(), any::<u64>()).prop_map(|((fiber, ordinal, decision, nth), chosen, object)| {
        Named {
            fiber,
            ordinal,
            decision,
            nth,
            chosen,
            object,
        }
    })
}

fn input() -> impl Strategy<Value = Input> {
    let answer = prop_oneof![
        Just(Answer::Nothing),
        any::<Vec<u8>>().prop_map(Answer::Bytes),
        (".*", ".*").prop_map(|(kind, message)| Answer::Failed(kind, message)),
    ];
    (".*", answer).prop_map(|(call, answer)| Input { call, answer })
}

fn log() -> impl Strategy<Value = Log> {
    let event = any::<(u32, u32, u32, u64, u64)>();
    let event = event.prop_map(|(fiber, ordinal, op, object, outcome)| Event {
        fiber,
        ordinal,
        op,
        object,
        outcome,
    });
    let events = proptest::collection::vec(event, 0..20);
    let names = proptest::collection::vec(".*", 0..5);
    (any::<(u64, u64, Vec<u64>)>(), names, events).prop_map(
        |((hash, count, checks), names, events)| Log {
            hash,
            count,
            checks,
            names,
            events,
        },
    )
}

fn trace() -> impl Strategy<Value = Trace> {
    let functions = proptest::collection::vec((".*", any::<u64>()), 0..5);
    let program = (
        ".*",
        functions,
        proptest::option::of(".*"),
        any::<Vec<String>>(),
    );
    let program = program.prop_map(|(path, functions, test, arguments)| ProgramId {
        path,
        functions,
        test,
        arguments,
    });
    let settings = any::<(u64, bool, Option<u64>, u64)>();
    let settings =
        (settings, 0_u64..3).prop_map(|((seed, virtual_clock, max_memory, max_stack), faults)| {
            RunSettings {
                seed,
                virtual_clock,
                max_memory,
                max_stack,
                faults,
            }
        });
    let end = (".*", ".*", ".*", ".*", any::<u64>());
    let end = end.prop_map(|(word, kind, message, location, code)| Ending {
        word,
        kind,
        message,
        location,
        code,
    });
    let deviations = proptest::collection::vec(named(), 0..10);
    let inputs = proptest::collection::vec(input(), 0..10);
    let rest = (any::<[(u64, u64); 2]>(), log(), end, any::<Vec<String>>());
    (program, settings, deviations, inputs, rest).prop_map(
        |(program, settings, deviations, inputs, (output, log, end, history))| Trace {
            program,
            settings,
            deviations,
            inputs,
            output,
            log,
            end,
            history,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_written_is_read(trace in trace()) {
        prop_assert_eq!(Trace::decode(&trace.encode()), Ok(trace));
    }

    #[test]
    fn damage_is_noticed(trace in trace(), at in any::<prop::sample::Index>(), bits in 1_u8..) {
        let mut bytes = trace.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        prop_assert!(Trace::decode(&bytes).is_err());
        prop_assert!(Trace::decode(&bytes[..at]).is_err());
        let more = [trace.encode(), vec![bits]].concat();
        prop_assert!(Trace::decode(&more).is_err());
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in any::<Vec<u8>>()) {
        let _ = Trace::decode(&bytes);
        let _ = Trace::decode(&[b"LTR1HEAD\x04\x01\x00\x01\x00".as_slice(), &bytes].concat());
    }

    #[test]
    fn lines_are_read(trace in trace()) {
        let line = Line::parse(&trace.line());
        prop_assert!(line.is_ok(), "{:?}", line);
        let line = line.unwrap_or_else(|_| unreachable!());
        prop_assert_eq!(line.program, short_digest(&trace.program.functions));
        prop_assert_eq!(line.trace.deviations, trace.deviations);
        prop_assert_eq!(line.trace.program.test, trace.program.test);
        prop_assert_eq!(line.trace.settings.seed, trace.settings.seed);
    }

    #[test]
    fn any_line_is_refused_or_read(text in ".*") {
        let _ = Line::parse(&format!("ltr1:{text}"));
        let _ = text.parse::<Named>();
    }
}
