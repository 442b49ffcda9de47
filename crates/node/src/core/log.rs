//! Lines of container logs: reading their format, and which of them a reader wants.

use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// Which lines a reader wants, and in what form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) follow: bool,
    pub(crate) previous: bool,
    pub(crate) timestamps: bool,
    /// Only the last so many lines.
    pub(crate) tail: Option<usize>,
    /// Only lines from then on.
    pub(crate) since: Option<Timestamp>,
    /// Only so many bytes.
    pub(crate) limit: Option<u64>,
    /// Only one output.
    pub(crate) stream: Stream,
}

/// Which output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stream {
    #[default]
    All,
    Stdout,
    Stderr,
}

impl Options {
    /// Reads a query.
    pub(crate) fn parse(query: &str, now: Timestamp) -> Result<Options, String> {
        let mut options = Options::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let number = |least: i64| {
                let number = value.parse::<i64>().ok().filter(|number| *number >= least);
                number.ok_or_else(|| format!("invalid value {value:?} of {name}"))
            };
            let on = matches!(&*value, "true" | "1" | "");
            match &*name {
                "follow" => options.follow = on,
                "previous" => options.previous = on,
                "timestamps" => options.timestamps = on,
                "tailLines" => options.tail = Some(usize::try_from(number(0)?).unwrap_or(usize::MAX)),
                "limitBytes" => options.limit = u64::try_from(number(1)?).ok(),
                "sinceSeconds" => {
                    let ago = SignedDuration::from_secs(number(1)?);
                    options.since = now.checked_sub(ago).ok();
                }
                "sinceTime" => {
                    let time = value.parse().map_err(|_| format!("invalid value {value:?} of {name}"))?;
                    options.since = Some(time);
                }
                "stream" => {
                    options.stream = match &*value {
                        "Stdout" => Stream::Stdout,
                        "Stderr" => Stream::Stderr,
                        "All" | "" => Stream::All,
                        other => return Err(format!("invalid value {other:?} of stream")),
                    };
                }
                _ => {}
            }
        }
        Ok(options)
    }

    /// What a reader sees of a line; `None` if nothing.
    pub(crate) fn shown(&self, line: &[u8]) -> Option<Vec<u8>> {
        let entry = Entry::parse(line)?;
        let wanted = match self.stream {
            Stream::All => true,
            Stream::Stdout => entry.stream == b"stdout",
            Stream::Stderr => entry.stream == b"stderr",
        };
        if !wanted || self.since.is_some_and(|since| entry.time().is_some_and(|time| time < since)) {
            return None;
        }
        let mut out = Vec::with_capacity(entry.content.len() + entry.time.len() + 2);
        if self.timestamps {
            out.extend_from_slice(entry.time);
            out.push(b' ');
        }
        out.extend_from_slice(entry.content);
        if !entry.partial {
            out.push(b'\n');
        }
        Some(out)
    }
}

/// A line: `TIME STREAM TAGS CONTENT`.
struct Entry<'a> {
    time: &'a [u8],
    stream: &'a [u8],
    partial: bool,
    content: &'a [u8],
}

impl<'a> Entry<'a> {
    fn parse(line: &'a [u8]) -> Option<Entry<'a>> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut parts = line.splitn(4, |byte| *byte == b' ');
        let (time, stream, tags) = (parts.next()?, parts.next()?, parts.next()?);
        let partial = tags.split(|byte| *byte == b':').next() == Some(b"P".as_slice());
        Some(Entry { time, stream, partial, content: parts.next().unwrap_or_default() })
    }

    fn time(&self) -> Option<Timestamp> {
        std::str::from_utf8(self.time).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: [&str; 4] = [
        "2026-01-01T00:00:00.1Z stdout F one\n",
        "2026-01-01T00:00:01.1Z stderr F two\n",
        "2026-01-01T00:00:02.1Z stdout P thr\n",
        "2026-01-01T00:00:02.2Z stdout F ee\n",
    ];

    fn check(query: &str, want: &str) {
        let now = "2026-01-01T00:00:03Z".parse().unwrap();
        let options = Options::parse(query, now).unwrap();
        let shown: Vec<u8> = LOG.iter().filter_map(|line| options.shown(line.as_bytes())).flatten().collect();
        assert_eq!(String::from_utf8(shown).unwrap(), want, "{query}");
    }

    #[test]
    fn lines_are_chosen() {
        check("", "one\ntwo\nthree\n");
        check("stream=Stderr", "two\n");
        check("stream=Stdout", "one\nthree\n");
        check("sinceSeconds=2", "two\nthree\n");
        check("sinceTime=2026-01-01T00:00:02Z", "three\n");
        check("timestamps=true&stream=Stderr", "2026-01-01T00:00:01.1Z two\n");
    }

    #[test]
    fn queries_are_checked() {
        let parse = |query: &str| Options::parse(query, Timestamp::UNIX_EPOCH);
        assert_eq!(parse("tailLines=5&follow=true").unwrap().tail, Some(5));
        for bad in ["tailLines=-1", "limitBytes=0", "sinceSeconds=x", "sinceTime=today", "stream=Both"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_line_is_left_out() {
        assert_eq!(Options::default().shown(b"nonsense\n"), None);
        assert_eq!(Options::default().shown(b"2026-01-01T00:00:00Z stdout F \n"), Some(b"\n".to_vec()));
    }
}
