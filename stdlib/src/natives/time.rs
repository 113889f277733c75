//! Calendar arithmetic in UTC, proleptic Gregorian.
//!
//! Days to dates and back after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

use lumen_runtime::native::{NativeCx, NativeResult, fail, int, kind, text};

natives! {
    "time._date_parts(Int) -> list[Int]" => |cx, args| {
        let p = split(int(args[0]));
        cx.int_list(&p)
    },
    "time.from_date(Int, Int, Int, Int, Int, Int, Int) -> Int" => from_date,
    "time.format_timestamp(Int) -> String" => |cx, args| {
        let s = iso(int(args[0]));
        cx.string(&s)
    },
    "time.parse_timestamp(String) -> result[Int, String]" => parse_timestamp,
}

const DAY: i64 = 86_400_000;

/// Year, month, day, hour, minute, second, millisecond, weekday (1 = Monday), day of the year.
fn split(ms: i64) -> [i64; 9] {
    let (days, rest) = (ms.div_euclid(DAY), ms.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let weekday = (days + 3).rem_euclid(7) + 1;
    let day_of_year = days - days_from_civil(year, 1, 1) + 1;
    [
        year,
        month,
        day,
        rest / 3_600_000,
        rest / 60_000 % 60,
        rest / 1000 % 60,
        rest % 1000,
        weekday,
        day_of_year,
    ]
}

/// The date of a day counted from 1970-01-01. Years begin in March, so that the leap day is last.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = year - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let mp = (month + 9) % 12;
    let day_of_year = (153 * mp + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Milliseconds since 1970 of a date and time, if there is such.
fn join(p: [i64; 7]) -> Result<i64, String> {
    let [year, month, day, hour, minute, second, ms] = p;
    let within = (-200_000..=200_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second)
        && (0..1000).contains(&ms);
    if !within {
        return Err(format!(
            "there is no time {year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
        ));
    }
    let seconds = hour * 3600 + minute * 60 + second;
    Ok(days_from_civil(year, month, day) * DAY + seconds * 1000 + ms)
}

fn from_date(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let mut p = [0; 7];
    for (p, a) in p.iter_mut().zip(args.iter()) {
        *p = int(*a);
    }
    match join(p) {
        Ok(ms) => Ok(ms as u64),
        Err(message) => fail::<u64>(kind::CONSTRAINT, message),
    }
}

fn iso(ms: i64) -> String {
    let [year, month, day, hour, minute, second, ms, ..] = split(ms);
    let fraction = if ms == 0 {
        String::new()
    } else {
        format!(".{ms:03}")
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

fn parse_timestamp(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let s = text(&args[0]);
    match parse(s.trim()) {
        Ok(ms) => cx.ok(ms as u64),
        Err(None) => {
            let message = format!("\"{}\" is not an ISO 8601 time", super::core::shorten(s));
            cx.err(&message)
        }
        Err(Some(message)) => cx.err(&message),
    }
}

/// `YYYY-MM-DD`, optionally `Thh:mm[:ss[.fff]]`, optionally `Z` or `±hh:mm`.
fn parse(s: &str) -> Result<i64, Option<String>> {
    let (date, time) = match s.find(['T', 't', ' ']) {
        Some(i) => (&s[..i], &s[i + 1..]),
        None => (s, ""),
    };
    let mut p = [0; 7];
    let (year, rest) = date
        .split_at_checked(date.len().saturating_sub(6))
        .ok_or(None)?;
    p[0] = number(year.strip_prefix('-').unwrap_or(year), 4..=6)?;
    if year.starts_with('-') {
        p[0] = -p[0];
    }
    let mut parts = rest.strip_prefix('-').ok_or(None)?.split('-');
    p[1] = number(parts.next().ok_or(None)?, 2..=2)?;
    p[2] = number(parts.next().ok_or(None)?, 2..=2)?;
    let (time, offset) = zone(time)?;
    if !time.is_empty() {
        let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
        let fields: Vec<&str> = clock.split(':').collect();
        if !(2..=3).contains(&fields.len()) {
            return Err(None);
        }
        for (i, f) in fields.iter().enumerate() {
            p[3 + i] = number(f, 2..=2)?;
        }
        if time.contains('.') {
            number(fraction, 1..=9)?;
            p[6] = format!("{fraction:0<3}")[..3].parse().map_err(|_| None)?;
        }
    }
    join(p).map(|ms| ms - offset).map_err(Some)
}

/// The time without its zone, and the zone's offset in milliseconds.
fn zone(time: &str) -> Result<(&str, i64), Option<String>> {
    if let Some(t) = time.strip_suffix(['Z', 'z']) {
        return Ok((t, 0));
    }
    let Some(i) = time.rfind(['+', '-']) else {
        return Ok((time, 0));
    };
    let (h, m) = match time[i + 1..].split_once(':') {
        Some(hm) => hm,
        None => time[i + 1..].split_at_checked(2).ok_or(None)?,
    };
    let minutes = number(h, 2..=2)? * 60 + if m.is_empty() { 0 } else { number(m, 2..=2)? };
    let sign = if time[i..].starts_with('-') { -1 } else { 1 };
    Ok((&time[..i], sign * minutes * 60_000))
}

fn number(s: &str, digits: std::ops::RangeInclusive<usize>) -> Result<i64, Option<String>> {
    if !digits.contains(&s.len()) || !s.bytes().all(|b| b.is_ascii_digit()) {
        return Err(None);
    }
    s.parse().map_err(|_| None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        for ms in [
            0,
            -1,
            951_782_400_000,
            1_709_164_800_123,
            -62_135_596_800_000,
        ] {
            assert_eq!(parse(&iso(ms)), Ok(ms), "{}", iso(ms));
        }
        assert_eq!(iso(1_709_164_800_000), "2024-02-29T00:00:00Z");
        assert_eq!(split(1_709_164_800_000)[7..], [4, 60]);
        assert_eq!(
            parse("2024-02-29T12:30+02:00"),
            Ok(1_709_164_800_000 + 37_800_000)
        );
        assert!(parse("2023-02-29").is_err() && parse("yesterday").is_err());
        assert!(parse("").is_err() && parse("é").is_err() && parse("2024-1é-01").is_err());
    }
}
