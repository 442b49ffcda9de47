//! The bounds of a limit range: minimum, maximum, and how far limits may go beyond requests.

use kinds::usage::Amounts;
use object::View;
use object::quantity::Quantity;

/// Up to here amounts are compared in thousandths.
const MAX_MILLI_VALUE: i64 = i64::MAX / 1000;

/// One kind of bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Min,
    Max,
    /// A maximum for what has no limits.
    MaxRequest,
    Ratio,
}

impl Bound {
    /// What containers and pods are held to.
    pub(super) const ALL: [Bound; 3] = [Bound::Min, Bound::Max, Bound::Ratio];

    fn field(self) -> &'static str {
        match self {
            Bound::Min => "min",
            Bound::Max | Bound::MaxRequest => "max",
            Bound::Ratio => "maxLimitRequestRatio",
        }
    }
}

/// Why requests and limits are out of the bounds of one `LimitRangeItem`.
pub(super) fn check(item: View<'_>, requests: &Amounts, limits: &Amounts, bounds: &[Bound]) -> Vec<String> {
    let mut reasons = Vec::new();
    for bound in bounds {
        for (name, enforced) in &Amounts::read(item.get(bound.field())).0 {
            let amounts = (requests.get(name), limits.get(name));
            let reason = match bound {
                Bound::Min => below(enforced, amounts),
                Bound::Max => above(enforced, amounts),
                Bound::MaxRequest => request_above(enforced, amounts.0),
                Bound::Ratio => ratio(enforced, amounts),
            };
            let Some(reason) = reason else { continue };
            let kind = item.str("type");
            reasons.push(match bound {
                Bound::Min => format!("minimum {name} usage per {kind} is {enforced}{reason}"),
                Bound::Max | Bound::MaxRequest => format!("maximum {name} usage per {kind} is {enforced}{reason}"),
                Bound::Ratio => format!("{name} max limit to request ratio per {kind} is {enforced}, but {reason}"),
            });
        }
    }
    reasons
}

type Asked<'a> = (Option<&'a Quantity>, Option<&'a Quantity>);

fn below(enforced: &Quantity, (request, limit): Asked<'_>) -> Option<String> {
    let (asked, limited, least) = comparable(request, limit, enforced);
    match (request, limit) {
        (None, _) => Some(".  No request is specified".to_owned()),
        (Some(request), _) if asked < least => Some(format!(", but request is {request}")),
        (_, Some(limit)) if limited < least => Some(format!(", but limit is {limit}")),
        _ => None,
    }
}

fn above(enforced: &Quantity, (request, limit): Asked<'_>) -> Option<String> {
    let (asked, limited, most) = comparable(request, limit, enforced);
    match (request, limit) {
        (_, None) => Some(".  No limit is specified".to_owned()),
        (_, Some(limit)) if limited > most => Some(format!(", but limit is {limit}")),
        (Some(request), _) if asked > most => Some(format!(", but request is {request}")),
        _ => None,
    }
}

fn request_above(enforced: &Quantity, request: Option<&Quantity>) -> Option<String> {
    let (asked, _, most) = comparable(request, None, enforced);
    match request {
        None => Some(".  No request is specified".to_owned()),
        Some(request) if asked > most => Some(format!(", but request is {request}")),
        _ => None,
    }
}

fn ratio(enforced: &Quantity, (request, limit): Asked<'_>) -> Option<String> {
    let (asked, limited, _) = comparable(request, limit, enforced);
    if request.is_none() || asked == 0 {
        return Some("no request is specified or request is 0".to_owned());
    }
    if limit.is_none() || limited == 0 {
        return Some("no limit is specified or limit is 0".to_owned());
    }
    let shown = limited as f64 / asked as f64;
    let (found, most) = if enforced.value() <= MAX_MILLI_VALUE {
        (shown * 1000.0, enforced.milli_value() as f64)
    } else {
        (shown, enforced.value() as f64)
    };
    (found > most).then(|| format!("provided ratio is {shown:.6}"))
}

/// The three in the finest unit in which all of them fit.
fn comparable(request: Option<&Quantity>, limit: Option<&Quantity>, enforced: &Quantity) -> (i64, i64, i64) {
    let whole = |amount: Option<&Quantity>| amount.map_or(0, Quantity::value);
    let milli = |amount: Option<&Quantity>| amount.map_or(0, Quantity::milli_value);
    let all = [request, limit, Some(enforced)];
    let fits = all.iter().all(|amount| whole(*amount) <= MAX_MILLI_VALUE);
    let [request, limit, enforced] = if fits { all.map(milli) } else { all.map(whole) };
    (request, limit, enforced)
}
