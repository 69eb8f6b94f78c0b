"""From the command intent of the model to the command label: the resolution of `set_quality` is read from the text.

The rules run on the normalised text in lower case and are the same on the Rust side (cases in
`models/normalisation-cases.tsv`).
"""

import re

from .normalise import normalise

RUNGS = (240, 360, 480, 720, 1080, 1440, 2160)
_DIGITS = re.compile(r"(?<!\d)(240|360|480|720|1080|1440|2160)(?!\d)")
_FOUR_K = re.compile(r"\b(4 ?k|four k|uhd|ultra hd|twenty one sixty|quattro k|vier k|cuatro k|quatre k|quatro k)\b")
_TWO_K = re.compile(r"\b(2 ?k|qhd|wqhd|quad hd|two k)\b")
_FULL_HD = re.compile(r"\b(full ?hd|fhd|volles hd|pieno hd)\b")
_HD = re.compile(r"\bhd\b")
_AUTO = re.compile(r"\bauto|automati|otomatic|player decide|player choose|स्वचालित|ऑटो|تلقائي|اوتو|أوتو")
_SPOKEN = (
    (2160, ("twenty one sixty", "twenty-one sixty", "two thousand one hundred sixty", "dos mil ciento sesenta", "फोर के", "فور كي")),
    (1440, ("fourteen forty", "fourteen-forty", "mil cuatrocientos cuarenta", "mil quatrocentos e quarenta", "vierzehnhundertvierzig",
            "mille quatre cent quarante", "millequattrocentoquaranta", "चौदह सौ चालीस")),
    (1080, ("ten eighty", "ten-eighty", "mil ochenta", "mil e oitenta", "mille quatre-vingt", "mille quatre vingt", "tausendachtzig",
            "milleottanta", "zehn achtzig", "दस अस्सी", "एक हज़ार अस्सी", "ألف وثمانين", "الف وثمانين", "diez ochenta", "dez oitenta", "फुल एचडी", "فل اتش دي", "فول اتش دي")),
    (720, ("seven twenty", "seven-twenty", "seven hundred twenty", "seven hundred and twenty", "setecientos veinte", "setecentos e vinte",
           "sept cent vingt", "siebenhundertzwanzig", "settecentoventi", "सात सौ बीस", "सात बीस", "سبعمية وعشرين", "سبعمائة وعشرين", "siete veinte", "sete vinte", "sette venti", "sieben zwanzig")),
    (480, ("four eighty", "four-eighty", "four hundred eighty", "four hundred and eighty", "cuatrocientos ochenta", "quatrocentos e oitenta",
           "quatre cent quatre-vingt", "quatre cent quatre vingt", "vierhundertachtzig", "quattrocentottanta", "चार सौ अस्सी",
           "اربعمية وثمانين", "أربعمائة وثمانين", "cuatro ochenta", "quatro oitenta", "quattro ottanta", "vier achtzig")),
    (360, ("three sixty", "three-sixty", "three hundred sixty", "three hundred and sixty", "trescientos sesenta", "trezentos e sessenta",
           "trois cent soixante", "dreihundertsechzig", "trecentosessanta", "तीन सौ साठ", "ثلاثمية وستين", "ثلاثمائة وستين", "tres sesenta", "três sessenta", "tre sessanta", "drei sechzig")),
    (240, ("two forty", "two-forty", "two hundred forty", "two hundred and forty", "doscientos cuarenta", "duzentos e quarenta",
           "deux cent quarante", "zweihundertvierzig", "duecentoquaranta", "दो सौ चालीस", "ميتين واربعين", "مئتين وأربعين")),
)
_FOREIGN_DIGITS = str.maketrans("०१२३४५६७८९٠١٢٣٤٥٦٧٨٩", "01234567890123456789")


def resolution(text):
    """The named resolution (`"720p"`, `"auto"`) or None. When several are named, the last one counts ("not 480, 720")."""
    lower = normalise(text).lower().translate(_FOREIGN_DIGITS)
    digits = _DIGITS.findall(lower)
    if digits:
        return f"{digits[-1]}p"
    for rung, phrases in _SPOKEN:
        if any(phrase in lower for phrase in phrases):
            return f"{rung}p"
    for pattern, rung in ((_FOUR_K, "2160p"), (_TWO_K, "1440p"), (_FULL_HD, "1080p"), (_AUTO, "auto"), (_HD, "720p")):
        if pattern.search(lower):
            return rung
    return None


def resolve(intent, text):
    """The final command. `set_quality` without a readable resolution is no command: nothing can be set. A message that
    opens by addressing somebody ("@bob try 480p") is for that person, never for the player."""
    if intent != "none" and text.lstrip().startswith("@") and not text.lstrip().lower().startswith(("@player", "@headroom")):
        return "none"
    if intent != "set_quality":
        return intent
    rung = resolution(text)
    return f"set_quality={rung}" if rung else "none"
