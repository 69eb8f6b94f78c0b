//! Radio access technology of a sample.

use std::fmt;
use std::str::FromStr;

/// Radio access technology as mobile loggers write it. The order is the order of generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NetworkMode {
    /// A text that is none of the others.
    Other,
    /// GSM packet data.
    Gprs,
    /// Enhanced data rates for GSM.
    Edge,
    /// UMTS, release 99.
    Umts,
    /// UMTS with HSDPA only.
    Hsdpa,
    /// UMTS with HSUPA.
    Hsupa,
    /// UMTS with HSDPA and HSUPA.
    Hspa,
    /// HSPA+ (dual carrier, MIMO or 64QAM).
    HspaPlus,
    /// LTE.
    Lte,
    /// LTE with carrier aggregation as loggers report it.
    LteAdvanced,
    /// 5G; the logger does not say whether stand-alone.
    FiveG,
    /// 5G non-stand-alone (LTE anchor).
    FiveGNonStandalone,
    /// 5G stand-alone.
    FiveGStandalone,
}

/// Canonical text of each mode, and what else is read as it.
const TEXTS: [(NetworkMode, &str, &[&str]); 13] = [
    (NetworkMode::Other, "other", &[]),
    (NetworkMode::Gprs, "GPRS", &["2G", "GSM"]),
    (NetworkMode::Edge, "EDGE", &[]),
    (NetworkMode::Umts, "UMTS", &["3G", "WCDMA"]),
    (NetworkMode::Hsdpa, "HSDPA", &[]),
    (NetworkMode::Hsupa, "HSUPA", &[]),
    (NetworkMode::Hspa, "HSPA", &[]),
    (NetworkMode::HspaPlus, "HSPA+", &["HSPAP"]),
    (NetworkMode::Lte, "LTE", &["4G"]),
    (NetworkMode::LteAdvanced, "LTE-A", &["LTE+", "LTE_CA", "4G+"]),
    (NetworkMode::FiveG, "5G", &["NR"]),
    (NetworkMode::FiveGNonStandalone, "5G-NSA", &["NSA", "5G NSA", "NR_NSA", "NR-NSA", "LTE+NR"]),
    (NetworkMode::FiveGStandalone, "5G-SA", &["SA", "5G SA", "NR_SA", "NR-SA"]),
];

impl fmt::Display for NetworkMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = TEXTS.iter().find(|(mode, ..)| mode == self).map_or("other", |(_, text, _)| text);
        formatter.write_str(text)
    }
}

impl FromStr for NetworkMode {
    type Err = std::convert::Infallible;

    /// Reads any of the texts loggers use, in any case; what is not known becomes [`NetworkMode::Other`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let known = TEXTS.iter().find(|(_, canonical, others)| {
            canonical.eq_ignore_ascii_case(text) || others.iter().any(|other| other.eq_ignore_ascii_case(text))
        });
        Ok(known.map_or(Self::Other, |(mode, ..)| *mode))
    }
}
