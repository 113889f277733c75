//! Channels and broadcasts.

use super::*;

const SEND: &str = "channel.send[T](Channel[T], T) -> Bool";
const TRY_SEND: &str = "channel.try_send[T](Channel[T], T) -> Bool";
const RECEIVE: &str = "channel.receive[T](Channel[T]) -> T";
const TRY_RECEIVE: &str = "channel.try_receive[T](Channel[T]) -> T?";
const NEXT: &str = "channel.next[T](Channel[T]) -> T?";
const STATUS_OF: &str = "channel.receive_status[T](Channel[T]) -> (T, Bool)";
const SEND_BATCH: &str = "channel.send_batch[T](Channel[T], list[T]) -> Bool";
const TRY_SEND_BATCH: &str = "channel.try_send_batch[T](Channel[T], list[T]) -> Bool";
const RECEIVE_BATCH: &str = "channel.receive_batch[T](Channel[T], Int) -> list[T]";
const TRY_RECEIVE_BATCH: &str = "channel.try_receive_batch[T](Channel[T]) -> list[T]";
const LEN: &str = "channel.len[T](Channel[T]) -> Int";
const CLOSE: &str = "channel.close[T](Channel[T]) -> Null";
const IS_CLOSED: &str = "channel.is_closed[T](Channel[T]) -> Bool";

/// A number that does not fit a small Int, so that it travels in a box.
const BIG: i64 = i64::MAX - 7;

#[test]
fn operations_that_never_wait() {
    everywhere(|l| {
        let ch = l.channel(Some(1), "block", CHANNEL);
        let shown = l.text_of(ch);
        assert_eq!(shown, "Channel(capacity: 1, on_full: block, MPMC, FIFO)");
        assert_eq!(l.show(TRY_SEND, &[ch, int(BIG)], wk::BOOL), "true");
        assert_eq!(l.show(TRY_SEND, &[ch, int(2)], wk::BOOL), "false");
        assert_eq!(l.show(LEN, &[ch], wk::INT), "1");
        assert_eq!(l.show(TRY_RECEIVE, &[ch], OPTIONAL_INT), BIG.to_string());
        assert_eq!(l.show(TRY_RECEIVE, &[ch], OPTIONAL_INT), "null");
        assert_eq!(l.show(IS_CLOSED, &[ch], wk::BOOL), "false");
        assert_eq!(l.show(CLOSE, &[ch], wk::NULL), "null");
        assert_eq!(l.show(CLOSE, &[ch], wk::NULL), "null");
        assert_eq!(l.show(IS_CLOSED, &[ch], wk::BOOL), "true");
        assert_eq!(l.show(NEXT, &[ch], OPTIONAL_INT), "null");
        assert_eq!(l.show(RECEIVE, &[ch], wk::INT), "Closed: channel is closed");
        assert_eq!(
            l.show(SEND, &[ch, int(BIG)], wk::BOOL),
            "Closed: channel is closed"
        );
        assert_eq!(l.show(TRY_SEND, &[ch, int(1)], wk::BOOL), "false");
        l.drop(ch);
    });
}

#[test]
fn a_full_channel_waits_fails_or_overwrites() {
    everywhere(|l| {
        let ch = l.channel(Some(1), "error", CHANNEL);
        assert_eq!(l.show(SEND, &[ch, int(1)], wk::BOOL), "false");
        let failed = l.show(SEND, &[ch, int(BIG)], wk::BOOL);
        assert_eq!(failed, "Full: channel is full (capacity 1)");
        l.drop(ch);

        let ch = l.channel(Some(2), "overwrite", TEXTS);
        for (text, overwrote) in [("a", "false"), ("b", "false"), ("c", "true")] {
            let text = l.text(text);
            assert_eq!(l.show(SEND, &[ch, text], wk::BOOL), overwrote);
            l.drop(text);
        }
        let all = l.show(TRY_RECEIVE_BATCH, &[ch], wk::LIST_STRING);
        assert_eq!(all, "[\"b\", \"c\"]");
        l.drop(ch);

        let ch = l.channel(Some(1), "block", CHANNEL);
        l.show(SEND, &[ch, int(1)], wk::BOOL);
        let sender = l.spawn(ch, |l, ch| {
            Ok(i64::from(l.show(SEND, &[ch, int(BIG)], wk::BOOL) == "true"))
        });
        l.sleep(1);
        assert_eq!(l.show(RECEIVE, &[ch], wk::INT), "1");
        assert_eq!(l.show(RECEIVE, &[ch], wk::INT), BIG.to_string());
        assert!(l.join(&sender).is_ok());
        l.drop(ch);
    });
}

#[test]
fn wrong_capacities_and_policies_are_failures() {
    everywhere(|l| {
        let policy = l.text("block");
        let key = "channel.channel[T](Int?, String) -> Channel[T]";
        let n = (word::small_int(-1).expect("small"), OPTIONAL_INT);
        let failed = l.show(key, &[n, policy], CHANNEL);
        assert!(
            failed.ends_with(": channel capacity must not be negative"),
            "{failed}"
        );
        l.drop(policy);
        let policy = l.text("drop");
        let failed = l.show(key, &[(word::NULL, OPTIONAL_INT), policy], CHANNEL);
        let expected = "unknown policy `drop`; expected block, error or overwrite";
        assert!(failed.ends_with(expected), "{failed}");
        l.drop(policy);
        let ch = l.channel(None, "block", CHANNEL);
        let shown = l.text_of(ch);
        assert_eq!(
            shown,
            "Channel(capacity: unbounded, on_full: block, MPMC, FIFO)"
        );
        let failed = l.show(RECEIVE_BATCH, &[ch, int(0)], wk::LIST_INT);
        assert!(failed.ends_with("must be at least 1"), "{failed}");
        l.drop(ch);
    });
}

#[test]
fn a_rendezvous_hands_over() {
    everywhere(|l| {
        let ch = l.channel(Some(0), "block", CHANNEL);
        assert_eq!(l.show(TRY_SEND, &[ch, int(BIG)], wk::BOOL), "false");
        assert_eq!(l.show(TRY_RECEIVE, &[ch], OPTIONAL_INT), "null");
        let receiver = l.spawn(ch, |l, ch| {
            l.call(STATUS_OF, &[ch], STATUS).map(|pair| {
                assert_eq!(l.text_of((pair, STATUS)), format!("({BIG}, true)"));
                l.drop((pair, STATUS));
                0
            })
        });
        // It succeeds as soon as somebody waits for it.
        while l.show(TRY_SEND, &[ch, int(BIG)], wk::BOOL) != "true" {
            l.sleep(1);
        }
        assert_eq!(l.join(&receiver), Ok(0));
        l.drop(ch);
    });
}

#[test]
fn batches_go_whole_or_not_at_all() {
    everywhere(|l| {
        let ch = l.channel(Some(3), "block", CHANNEL);
        let (five, two) = (l.ints(&[1, 2, 3, 4, BIG]), l.ints(&[1, BIG]));
        for key in [SEND_BATCH, TRY_SEND_BATCH] {
            let failed = l.show(key, &[ch, five], wk::BOOL);
            assert_eq!(failed, "Full: batch of 5 exceeds capacity 3");
        }
        assert_eq!(l.show(TRY_SEND_BATCH, &[ch, two], wk::BOOL), "true");
        assert_eq!(l.show(TRY_SEND_BATCH, &[ch, two], wk::BOOL), "false");
        let sender = l.spawn(ch, |l, ch| {
            let xs = l.ints(&[7, BIG]);
            let waited = l.show(SEND_BATCH, &[ch, xs], wk::BOOL);
            l.drop(xs);
            Ok(i64::from(waited == "true"))
        });
        l.sleep(1);
        let got = l.show(RECEIVE_BATCH, &[ch, int(2)], wk::LIST_INT);
        assert_eq!(got, format!("[1, {BIG}]"));
        assert!(l.join(&sender).is_ok());
        let rest = l.show(TRY_RECEIVE_BATCH, &[ch], wk::LIST_INT);
        assert_eq!(rest, format!("[7, {BIG}]"));
        assert_eq!(l.show(TRY_RECEIVE_BATCH, &[ch], wk::LIST_INT), "[]");
        l.show(CLOSE, &[ch], wk::NULL);
        let failed = l.show(RECEIVE_BATCH, &[ch, int(2)], wk::LIST_INT);
        assert_eq!(failed, "Closed: channel is closed");
        let failed = l.show(SEND_BATCH, &[ch, two], wk::BOOL);
        assert_eq!(failed, "Closed: channel is closed");
        assert_eq!(l.show(TRY_SEND_BATCH, &[ch, two], wk::BOOL), "false");
        for list in [five, two] {
            l.drop(list);
        }
        l.drop(ch);

        let ch = l.channel(Some(2), "overwrite", CHANNEL);
        let five = l.ints(&[1, 2, 3, BIG, BIG]);
        assert_eq!(l.show(SEND_BATCH, &[ch, five], wk::BOOL), "true");
        let last = l.show(TRY_RECEIVE_BATCH, &[ch], wk::LIST_INT);
        assert_eq!(last, format!("[{BIG}, {BIG}]"));
        l.drop(five);
        l.drop(ch);
    });
}

#[test]
fn every_message_arrives_once() {
    everywhere(|l| {
        let ch = l.channel(Some(3), "block", CHANNEL);
        let senders: Vec<_> = (0..4)
            .map(|i| {
                l.spawn(ch, move |l, ch| {
                    for k in 0..25 {
                        l.call(SEND, &[ch, int(i * 25 + k)], wk::BOOL)?;
                    }
                    Ok(0)
                })
            })
            .collect();
        let receivers: Vec<_> = (0..3)
            .map(|_| {
                l.spawn(ch, |l, ch| {
                    let mut sum = 0;
                    loop {
                        let w = l.call(NEXT, &[ch], OPTIONAL_INT)?;
                        if w == word::NULL {
                            return Ok(sum);
                        }
                        sum += word::small_int_value(w);
                    }
                })
            })
            .collect();
        for s in &senders {
            assert_eq!(l.join(s), Ok(0));
        }
        l.show(CLOSE, &[ch], wk::NULL);
        let sums: Result<Vec<i64>, String> = receivers.iter().map(|r| l.join(r)).collect();
        assert_eq!(sums.map(|s| s.iter().sum::<i64>()), Ok(99 * 50));
        l.drop(ch);
    });
}

#[test]
fn cancelled_waiters_lose_and_duplicate_nothing() {
    everywhere(|l| {
        let ch = l.channel(Some(2), "block", TEXTS);
        let two = l.texts(&["first", "second"]);
        l.show(SEND_BATCH, &[ch, two], wk::BOOL);
        l.drop(two);
        let sender = l.spawn(ch, |l, ch| {
            let text = l.text("never sent");
            let sent = l.call(SEND, &[ch, text], wk::BOOL);
            l.drop(text);
            sent.map(|_| 1)
        });
        let batch = l.spawn(ch, |l, ch| {
            let xs = l.texts(&["never", "sent"]);
            let sent = l.call(SEND_BATCH, &[ch, xs], wk::BOOL);
            l.drop(xs);
            sent.map(|_| 1)
        });
        l.sleep(1);
        for task in [&sender, &batch] {
            task.cancel(l.cx);
            assert_eq!(l.join(task), Err("cancelled".to_owned()));
        }
        let all = l.show(TRY_RECEIVE_BATCH, &[ch], wk::LIST_STRING);
        assert_eq!(all, "[\"first\", \"second\"]");
        let receiver = l.spawn(ch, |l, ch| {
            let got = l.call(RECEIVE, &[ch], wk::STRING)?;
            l.drop((got, wk::STRING));
            Ok(1)
        });
        l.sleep(1);
        receiver.cancel(l.cx);
        assert_eq!(l.join(&receiver), Err("cancelled".to_owned()));
        let kept = l.text("kept");
        l.show(SEND, &[ch, kept], wk::BOOL);
        l.drop(kept);
        assert_eq!(l.show(TRY_RECEIVE, &[ch], OPTIONAL_TEXT), "kept");
        l.drop(ch);
    });
}

#[test]
fn closing_wakes_who_waits_and_messages_left_over_are_dropped() {
    everywhere(|l| {
        let ch = l.channel(Some(0), "block", TEXTS);
        let receivers = [0, 1].map(|_| {
            l.spawn(ch, |l, ch| {
                let w = l.call(NEXT, &[ch], OPTIONAL_TEXT)?;
                Ok(i64::from(w == word::NULL))
            })
        });
        l.sleep(1);
        l.show(CLOSE, &[ch], wk::NULL);
        for r in &receivers {
            assert_eq!(l.join(r), Ok(1));
        }
        l.drop(ch);
        let ch = l.channel(Some(1), "block", TEXTS);
        let text = l.text("left over");
        l.show(SEND, &[ch, text], wk::BOOL);
        let sender = l.spawn(ch, |l, ch| {
            let text = l.text("not sent");
            let failed = l.show(SEND, &[ch, text], wk::BOOL);
            assert_eq!(failed, "Closed: channel is closed");
            l.drop(text);
            Ok(0)
        });
        l.sleep(1);
        l.show(CLOSE, &[ch], wk::NULL);
        assert_eq!(l.join(&sender), Ok(0));
        l.drop(text);
        l.drop(ch);
    });
}

#[test]
fn ends_share_the_channel() {
    everywhere(|l| {
        let ch = l.channel(Some(2), "block", CHANNEL);
        let tx = l.make("channel.sender[T](Channel[T]) -> Sender[T]", &[ch], SENDER);
        let rx = l.make(
            "channel.receiver[T](Channel[T]) -> Receiver[T]",
            &[ch],
            RECEIVER,
        );
        l.drop(ch);
        let send = "channel.send[T](Sender[T], T) -> Bool";
        assert_eq!(l.show(send, &[tx, int(BIG)], wk::BOOL), "false");
        assert_eq!(
            l.show("channel.len[T](Receiver[T]) -> Int", &[rx], wk::INT),
            "1"
        );
        let receive = "channel.receive[T](Receiver[T]) -> T";
        assert_eq!(l.show(receive, &[rx], wk::INT), BIG.to_string());
        l.show("channel.close[T](Sender[T]) -> Null", &[tx], wk::NULL);
        let next = "channel.next[T](Receiver[T]) -> T?";
        assert_eq!(l.show(next, &[rx], OPTIONAL_INT), "null");
        l.drop(tx);
        l.drop(rx);
    });
}

#[test]
fn subscribers_receive_what_is_sent_from_then_on() {
    everywhere(|l| {
        let b = l.make(
            "channel.broadcast[T](Int) -> Broadcast[T]",
            &[int(2)],
            BROADCAST,
        );
        let subscribe = "channel.subscribe[T](Broadcast[T]) -> Receiver[T]";
        let send = "channel.send[T](Broadcast[T], T) -> Bool";
        let receive = "channel.receive[T](Receiver[T]) -> T";
        assert_eq!(l.show(send, &[b, int(1)], wk::BOOL), "false");
        let first = l.make(subscribe, &[b], RECEIVER);
        l.show(send, &[b, int(BIG)], wk::BOOL);
        let second = l.make(subscribe, &[b], RECEIVER);
        l.show(send, &[b, int(3)], wk::BOOL);
        let sender = l.spawn(b, move |l, b| {
            Ok(i64::from(l.show(send, &[b, int(BIG)], wk::BOOL) == "true"))
        });
        l.sleep(1);
        assert_eq!(l.show(receive, &[first], wk::INT), BIG.to_string());
        assert!(l.join(&sender).is_ok());
        let batch = "channel.try_receive_batch[T](Receiver[T]) -> list[T]";
        assert_eq!(l.show(batch, &[first], wk::LIST_INT), format!("[3, {BIG}]"));
        assert_eq!(l.show(receive, &[second], wk::INT), "3");
        l.drop(second); // with a message unread
        l.show("channel.close[T](Broadcast[T]) -> Null", &[b], wk::NULL);
        let next = "channel.next[T](Receiver[T]) -> T?";
        assert_eq!(l.show(next, &[first], OPTIONAL_INT), "null");
        l.drop(first);
        l.drop(b);
    });
}
