"""The text normalisation in front of both tokenizers. The Rust side implements the same steps; the shared cases are in
`models/normalisation-cases.tsv`, the tables in `models/normalisation.json`.

Emotes, emoji, slang, repeated letters and mentions carry meaning, so nothing is thrown away that a viewer typed on
purpose: an emote becomes a short English gloss that both vocabularies know ("Sadge" -> "sad emote"), an emoji its
Unicode name without filler words, a long run of one character keeps three of them, a mention stays a mention.

Steps, in this order:
1. keep the first MAX_CHARACTERS characters;
2. remove invisible characters (REMOVED), turn control characters into blanks;
3. split at white space; per piece:
   a. `http://...`, `https://...`, `www....` -> `http`;
   b. `@name` (letters, digits, underscore) -> `@user`, what follows the name stays attached;
   c. an emoticon, exact -> its gloss;
   d. an emote, compared in lower case, ASCII commas, full stops, `!` and `?` at its end ignored -> its gloss; by name, by
      shape (SHAPES), or marked as one by its platform (`:name:`, `<:name:1>`, `[emote:1:name]`), then "emote" where nothing
      else is known; block and braille characters alone -> "ascii art";
   e. otherwise each emoji in the piece -> its gloss, surrounded by blanks, and any run of more than three equal
      characters that are not digits -> three of them;
4. drop a gloss equal to the gloss just before it; join with single blanks.
"""

import json
import re
import sys
import unicodedata
from pathlib import Path

MAX_CHARACTERS = 1000

REMOVED = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff\U000e0000-\U000e007f]"
)
CONTROL = re.compile("[\u0000-\u001f\u007f-\u009f]")
MENTION = re.compile(r"@\w+")
LONG_RUN = re.compile(r"([^\d])\1{3,}")

EMOTICONS = {
    "<3": "heart", "</3": "broken heart", ":)": "smile", ":-)": "smile", "(:": "smile", "=)": "smile", ":]": "smile",
    ":(": "sad face", ":-(": "sad face", "):": "sad face", "=(": "sad face", ":[": "sad face", ":'(": "crying face",
    ";(": "crying face", "T_T": "crying face", "T.T": "crying face", ";_;": "crying face", "QQ": "crying face",
    ":D": "big smile", "=D": "big smile", "xD": "laughing", "XD": "laughing", "xd": "laughing", ":/": "unhappy face",
    ":-/": "unhappy face", ":\\": "unhappy face", ":|": "blank face", "-_-": "annoyed face", "-.-": "annoyed face",
    ">:(": "angry face", "D:": "shocked emote", ":O": "surprised face", ":o": "surprised face", "O_o": "puzzled face",
    "o_O": "puzzled face", ";)": "wink", ";-)": "wink", ":P": "playful face", ":p": "playful face", "^^": "smile",
    "^_^": "smile", "\\o/": "celebration", "o/": "greeting emote", "¯\\_(ツ)_/¯": "shrug",
}

# Emote names are facts of chat platforms; the gloss says how chat uses them.
EMOTES = {
    "excited emote": "PogChamp Pog PogU POGGERS Poggies PogO Pogey HYPERS HYPERPOG Kreygasm PagMan PagBounce "
    "POGCRAZY poggers Pogging VeryPog peepoPog catPog Jigglin SeemsGood CoolStoryBob TwitchUnity",
    "happy emote": "FeelsGoodMan FeelsAmazingMan widepeepoHappy peepoHappy PepoG Okayge FeelsOkayMan "
    "peepoBlush BLUBBERS peepoCheer happE PeepoHappy",
    "love emote": "peepoLove peepoHeart bleedPurple PepeLove catKISS luvKiss VirtualHug peepoHug "
    "dankHug",
    "dancing emote": "catJAM pepeJAM PepeDS ratJAM AlienPls pepeD pepeDance DinoDance vibePls SourPls RainbowPls "
    "headBang DanceTime",
    "applause emote": "peepoClap EZClap",
    "easy win emote": "EZ EZY",
    "admiration emote": "GIGACHAD gigachad BASEDCIGAR FeelsStrongMan",
    "big brain emote": "5Head BigBrother",
    "sad emote": "Sadge FeelsBadMan widepeepoSad peepoSad PepeSad Sadeg sadcat FeelsRainMan",
    "crying emote": "BibleThump PepeHands Cryge PEPEHANDS peepoCry catCry",
    "despair emote": "NotLikeThis FailFish PepeFacepalm Despairge Painge Smadge",
    "bored emote": "ResidentSleeper Bedge Boredge PepeSleep Snorage",
    "angry emote": "Madge SwiftRage BabyRage PepeRage peepoMad Angy",
    "disgusted emote": "DansGame WutFace EWW Yikesge",
    "disapproval emote": "WeirdChamp WeirdW peepoWeird PunOko NOPERS",
    "agreement emote": "YEPP NODDERS",
    "nervous emote": "monkaS monkaW monkaX monkaGIGA monkaEyes monkaHmm monkaStare peepoShy Worryge",
    "lol emote": "KEKW LUL LULW OMEGALUL OMEGALULW KEKWait KEKL KEKLEO kekw LuL PepeLaugh LOLW ICANT KEKWlaugh "
    "pepeLaugh",
    "sarcasm emote": "Kappa KappaPride Keepo KappaHD GoldenKappa Kapp 4Head",
    "awkward emote": "HotPokket haHAA cmonBruh TriHard",
    "tricked emote": "Jebaited JebaitedW",
    "stupid emote": "Pepega PepegaBrain 3Head",
    "coping emote": "Copium COPIUM Copege HOPIUM Hopium Copesen",
    "waiting emote": "PauseChamp PauseFish PauseShake Waitge modCheck Prayge peepoWait",
    "greeting emote": "HeyGuys VoHiYo peepoHey KonCha peepoArrive",
    "farewell emote": "peepoLeave peepoBye",
    "thinking emote": "hmmMeeting Hmmge Thonk PepoThink",
    "suspicious emote": "Susge Suske",
    "respect emote": "o7 peepoSalute",
    "spam emote": "PJSalt",
}

# Families of emotes by the shape of their names: (start, end, whether a capital letter or a digit has to follow the start,
# gloss). Starts are compared in lower case; ends as they stand, after a small letter or a digit. The first that fits counts.
SHAPES = [
    *[("", end, False, gloss) for gloss, ends in {
        "lol emote": "LUL LULW KEKW KEK Laugh Lmao", "sad emote": "Sadge Sad SAD Rip RIP", "crying emote": "Cry CRY Cries Hands Tears",
        "angry emote": "Rage RAGE Mad MAD Angry Riot", "love emote": "Love LOVE Heart Hug Hugs Kiss Luv L", "dancing emote": "JAM Jam Dance DANCE Party Vibe Vibes Pls Bop Rave",
        "applause emote": "Clap CLAP", "excited emote": "Hype HYPE Hyper Pog POG PogU Gasm Cheer", "happy emote": "Happy HAPPY Smile Comfy Cozy Yay", "greeting emote": "Wave Hey Hello Hi",
        "farewell emote": "Bye", "respect emote": "Salute GG", "thinking emote": "Think Hmm HMM", "suspicious emote": "Sus", "bored emote": "Sleep Bored Tired Yawn", "nervous emote": "Scared Fear Sweat Shy",
        "disgusted emote": "Puke Sick Eww", "awkward emote": "Cringe", "despair emote": "Fail FP Facepalm", "easy win emote": "EZ Ez", "waiting emote": "Pray Wait", "coping emote": "Cope Copium",
    }.items() for end in ends.split()],
    *[(start, "", False, gloss) for gloss, starts in {
        "nervous emote": "monka", "lol emote": "omegalul omegakek kekw lulw", "excited emote": "poggers pogch", "happy emote": "feelsgood feelsamazing feelsgreat feelsokay",
        "sad emote": "feelsbad feelsrain feelssad", "disapproval emote": "feelsweird", "admiration emote": "feelsstrong", "emote": "peepo widepeepo",
    }.items() for start in starts.split()],
    ("pog", "", True, "excited emote"), ("kekw", "", True, "lol emote"), ("pepe", "", True, "emote"), ("feels", "", True, "emote"),
]

# What an emote alone says of the writer's attitude, by the label rules: beside words, the words decide.
VALENCE = {
    1: ["excited emote", "happy emote", "love emote", "dancing emote", "applause emote", "easy win emote", "admiration emote"],
    -1: ["sad emote", "crying emote", "despair emote", "bored emote", "angry emote", "disgusted emote", "disapproval emote"],
    0: ["lol emote", "nervous emote", "greeting emote", "farewell emote", "thinking emote", "suspicious emote", "respect emote", "waiting emote", "agreement emote", "emote", "ascii art"],
}

MARKED = re.compile(r"(?::([A-Za-z0-9_\-]{2,40}):|<a?:([A-Za-z0-9_]{2,40}):[0-9]+>|\[emote:[0-9]+:([A-Za-z0-9_\-]{1,40})\])", re.ASCII)

EMOJI_OVERRIDES = {
    "😂": "laughing tears of joy", "🤣": "laughing hard", "💀": "skull", "☠": "skull", "❤": "red heart", "🙌": "celebration",
    "😡": "angry", "🤬": "swearing angry", "😤": "huffing", "🤮": "vomiting", "🤢": "sick", "👏": "applause", "🙏": "please thanks",
    "😍": "in love", "🥰": "in love", "😘": "kiss", "😅": "nervous laugh", "😭": "crying loudly", "😢": "crying", "🥲": "smiling tear",
    "😴": "sleeping", "💤": "sleeping", "🥱": "yawning", "🤡": "clown", "💩": "poo", "👍": "thumbs up", "👎": "thumbs down",
    "👌": "ok hand perfect", "💯": "hundred percent", "🐐": "goat", "👑": "crown", "🎉": "party", "🥳": "party", "😬": "grimace",
    "🙄": "eye roll", "😒": "unamused", "😑": "annoyed", "😐": "blank", "😞": "disappointed", "😔": "sad", "☹": "sad",
    "🙁": "sad", "😩": "weary", "😫": "tired", "🤦": "facepalm", "🤷": "shrug", "💔": "broken heart", "🔥": "fire", "✨": "sparkles",
    "⭐": "star", "🤩": "star eyes", "😎": "cool", "🫡": "salute", "🤝": "handshake", "👋": "waving hello", "🗿": "stone", "🤔": "thinking",
    "👀": "eyes", "⏳": "hourglass", "⌛": "hourglass", "🐌": "snail", "🐢": "turtle", "🔇": "muted speaker", "🔊": "loud speaker",
    "✅": "check mark", "❌": "cross mark", "😆": "laughing", "😄": "smile", "😁": "grin", "😀": "grin", "🙂": "slight smile",
    "🤯": "mind blown", "😱": "screaming", "🤌": "perfect", "💪": "strong",
}
FILLER = {"face", "with", "sign", "symbol", "heavy", "black", "white", "for", "and", "of", "the", "emoji", "person", "big"}
EMOJI_RANGES = ((0x231A, 0x231B), (0x23E9, 0x23F3), (0x25B6, 0x25B6), (0x2600, 0x27BF), (0x2B50, 0x2B55), (0x1F300, 0x1FAFF))


def emoji_table():
    """Every pictograph with a Unicode name -> its gloss."""
    table = {}
    for first, last in EMOJI_RANGES:
        for code in range(first, last + 1):
            character = chr(code)
            name = unicodedata.name(character, "").lower().replace("-", " ")
            if not name or "fitzpatrick" in name:
                continue
            words = [word for word in name.split() if word not in FILLER]
            table[character] = EMOJI_OVERRIDES.get(character, " ".join(words[:4]) or name)
    for code in range(0x1F1E6, 0x1F200):
        table[chr(code)] = "flag"
    return table


def tables():
    """The content of `models/normalisation.json`."""
    emotes = {name.lower(): gloss for gloss, names in EMOTES.items() for name in names.split()}
    return {"version": 1, "max_characters": MAX_CHARACTERS, "emoticons": EMOTICONS, "emotes": dict(sorted(emotes.items())),
            "shapes": [{"start": start, "end": end, "capital": capital, "gloss": gloss} for start, end, capital, gloss in SHAPES],
            "valence": {gloss: value for value, glosses in VALENCE.items() for gloss in glosses}, "emoji": emoji_table()}


_TABLES = tables()
_EMOJI = re.compile("[" + "".join(re.escape(character) for character in _TABLES["emoji"]) + "]")


def emote(name):
    """The gloss of an emote's name, or None."""
    gloss = _TABLES["emotes"].get(name.lower())
    if gloss:
        return gloss
    # Twitch's modified emotes: `Kappa_HF`; BTTV's and 7TV's wide forms: `LULW`.
    for shorter in (re.sub("_[A-Z]{2}$", "", name), name[:-1] if name.endswith("W") else name):
        if shorter != name and shorter.lower() in _TABLES["emotes"]:
            return _TABLES["emotes"][shorter.lower()]
    if not (4 <= len(name) <= 25 and name.isascii() and name.isalnum()):
        return None
    for start, end, capital, gloss in SHAPES:
        if not name.lower().startswith(start) or not name.endswith(end) or len(name) < len(start) + len(end):
            continue
        rest = name[len(start):]
        before = name[: len(name) - len(end)][-1:]
        if end and not (before.islower() or before.isdigit()):
            continue
        if capital and not (rest and name[0] != rest[:1] and (rest[0].isupper() or rest[0].isdigit())):
            continue
        return gloss
    return None


def drawing(piece):
    """Whether a piece is made of block, line or braille characters."""
    return all("\u2500" <= character <= "\u259f" or "\u2800" <= character <= "\u28ff" for character in piece)


def normalise(text):
    """The text as both tokenizers see it."""
    text = CONTROL.sub(" ", REMOVED.sub("", text[:MAX_CHARACTERS]))
    out = []

    def push(piece, gloss=False):
        if piece and not (gloss and out and out[-1] == (piece, True)):
            out.append((piece, gloss))

    for piece in text.split():
        if piece.startswith(("http://", "https://", "www.")):
            push("http")
            continue
        if piece in EMOTICONS:
            push(EMOTICONS[piece], True)
            continue
        marked = MARKED.fullmatch(piece)
        name = next(filter(None, marked.groups())) if marked else piece.rstrip(",.!?")
        gloss = "ascii art" if drawing(piece) else emote(name) or ("emote" if marked else None)
        if gloss:
            push(gloss, True)
            continue
        piece = MENTION.sub("@user", piece)
        start = 0
        for found in _EMOJI.finditer(piece):
            push(LONG_RUN.sub(r"\1\1\1", piece[start : found.start()]))
            push(_TABLES["emoji"][found.group()], True)
            start = found.end()
        push(LONG_RUN.sub(r"\1\1\1", piece[start:]))
    return " ".join(piece for piece, _ in out)


CASES = (
    "the stream keeps buffering", "PogChamp", "Sadge again, another freeze", "KEKW KEKW KEKW", "nice stream Kappa!!", "EZ", "ez.",
    "nooooooooo", "1000000 viewers!!!!!!", "haaaaaaa 22222", "@streamer raise your bitrate", "@bob: try 480p", "thx @a_b-c for 720p",
    "see https://example.org/x?y=1 now", "www.example.org", "\U0001f602\U0001f602\U0001f602 lol", "\u2764\ufe0f\U0001f525gg\U0001f44f\U0001f3fd",
    "\U0001f1e7\U0001f1f7 oi", "no sound :(", "T_T", "<3 <3", ":) nice", "xD", "a\u200bb\u202ec\u0000d", "  many   blanks\there ",
    "se ve borroso \U0001f62d", "\u0627\u0644\u0628\u062b \u064a\u0642\u0637\u0639 \u0643\u0644 \u0634\u0648\u064a", "\u0938\u094d\u091f\u094d\u0930\u0940\u092e \u0930\u0941\u0915 \u0930\u0939\u0940 \u0939\u0948",
    "xqcL", "vulpesJAM nice", "monkaTOS PogTasty", "Kappa_HF", "FeelsBadDude", "PEPPER Pepe pepper", "POGGERS lag", "traffic jam wow",
    ":KEKW: :unknown_one:", "<a:catJAM:123456> hi", "[emote:37226:KEKW] x", "\u2588\u2588\u2591\u2591 \u28ff\u28ff", "12:30:45", "at 10:30: go", "LAL HELL WELL", "GOOOOOOOL \u26bd", "monkaS monkaW", "...", "?????", "", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
)


def write(folder):
    """Writes the tables and the shared cases (`text<TAB>normalised`, both as JSON strings) for the Rust side."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "normalisation.json").write_text(json.dumps(tables(), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    lines = [f"{json.dumps(text)}\t{json.dumps(normalise(text))}\n" for text in CASES]
    (folder / "normalisation-cases.tsv").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1])
