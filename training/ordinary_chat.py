"""Ordinary chat of eight languages, made from templates written for this project and fillers: ordinary_chat.py > ordinary.tsv

Every message is about play, games, programs, people or nothing, and none reports trouble with the delivery of the stream. A
third of the templates are near misses: lag of a game's server, frozen units, buffers of programs, talk of fixed faults, settings. The
order is shuffled with a fixed seed and the first 300 messages a language are kept.
"""
import itertools
import random

FILL = {
    "en": {
        "who": ["he", "she", "that guy", "the enemy", "our support", "mike", "this dude"],
        "thing": ["shot", "play", "clutch", "save", "ult", "combo", "outplay", "run"],
        "game": ["valorant", "elden ring", "minecraft", "this game", "apex", "the new patch", "dota"],
        "emote": ["KEKW", "LUL", "PogChamp", "catJAM", "Sadge", "monkaS", "OMEGALUL", "xdd"],
    },
    "es": {
        "who": ["él", "ese tío", "el rival", "el soporte", "pedro", "la chica"],
        "thing": ["tiro", "jugada", "partida", "combo", "salvada", "remontada"],
        "game": ["el valorant", "este juego", "minecraft", "el parche nuevo", "el fifa"],
        "emote": ["KEKW", "LUL", "PogChamp", "Sadge", "jajaja", "XD"],
    },
    "pt": {
        "who": ["ele", "esse cara", "o inimigo", "o suporte", "joão", "ela"],
        "thing": ["tiro", "jogada", "partida", "combo", "defesa", "virada"],
        "game": ["o valorant", "esse jogo", "minecraft", "o patch novo", "o fifa"],
        "emote": ["KEKW", "LUL", "PogChamp", "kkkkk", "Sadge", "mds"],
    },
    "fr": {
        "who": ["il", "ce mec", "l'ennemi", "le support", "paul", "elle"],
        "thing": ["tir", "action", "partie", "combo", "arrêt", "remontée"],
        "game": ["valorant", "ce jeu", "minecraft", "le nouveau patch", "fifa"],
        "emote": ["KEKW", "LUL", "PogChamp", "mdr", "Sadge", "ptdr"],
    },
    "de": {
        "who": ["er", "der typ", "der gegner", "unser support", "max", "sie"],
        "thing": ["schuss", "spielzug", "runde", "kombo", "parade", "aufholjagd"],
        "game": ["valorant", "dieses spiel", "minecraft", "der neue patch", "fifa"],
        "emote": ["KEKW", "LUL", "PogChamp", "haha", "Sadge", "digga"],
    },
    "it": {
        "who": ["lui", "quel tipo", "il nemico", "il supporto", "luca", "lei"],
        "thing": ["tiro", "giocata", "partita", "combo", "parata", "rimonta"],
        "game": ["valorant", "questo gioco", "minecraft", "la nuova patch", "fifa"],
        "emote": ["KEKW", "LUL", "PogChamp", "ahahah", "Sadge", "raga"],
    },
    "hi": {
        "who": ["woh", "yeh banda", "dushman", "apna support", "rahul", "bhai"],
        "thing": ["shot", "kill", "match", "combo", "save", "comeback"],
        "game": ["valorant", "yeh game", "minecraft", "naya patch", "bgmi"],
        "emote": ["KEKW", "LUL", "PogChamp", "hahaha", "Sadge", "lol"],
    },
    "ar": {
        "who": ["هو", "هذا اللاعب", "الخصم", "السبورت", "احمد", "هي"],
        "thing": ["طلقة", "لعبه", "مباراة", "كومبو", "تصدي", "عودة"],
        "game": ["فالورانت", "هذي اللعبة", "ماينكرافت", "الباتش الجديد", "فيفا"],
        "emote": ["KEKW", "LUL", "PogChamp", "ههههه", "Sadge", "xd"],
    },
}

TEMPLATES = {
    "en": [
        "what a {thing}", "{who} is so good", "nice {thing} {emote}", "gg", "gg wp {emote}", "{emote} {emote} {emote}", "hello chat", "first time here, hi", "is {game} free?", "how long have you played {game}",
        "{who} carried the whole round", "I love {game}", "{game} is so hard", "that {thing} was insane", "what rank is {who}?", "{who} needs to peek mid", "who won the last one?", "buy armor next round", "go left go left", "can you play {game} next?",
        "my code is lagging behind schedule", "that boss fight was laggy in the game", "the server lag in {game} is unreal", "{who} is lagging behind by 20 cs", "freeze the wave under the tower", "{who} froze in front of the boss", "use a ring buffer there instead of a vec", "does {game} stutter on ps5?", "my ping in {game} is 200", "{game} crashed my pc twice",
        "input lag on this controller is crazy", "is it a buffer overflow in that function?", "no lag today, so smooth", "the stream is back, all good", "what bitrate do you use in obs?", "{who} is dead", "did {who} die again?", "{who} is down, push", "the tower is down", "is {who} dead?", "that song is fire", "lmao {who} missed the {thing}", "happy birthday!", "when is the next tournament?", "what time is it for you", "I just got home from work", "brb getting food", "!uptime", "!discord", "!rank", "https://example.org/clip look at this", "skill issue", "{who} is stuck in bronze", "stuck in elo hell", "I am stuck on that level in {game}", "the servers of {game} are down again", "my wifi is bad today at work lol", "loading screen tips are funny in {game}", "my laptop froze during the exam", "does the new gpu driver crash {game}?", "{who} choked that {thing}", "lag is no excuse for {who}", "blur effect in {game} looks cool", "pixel art games are the best", "echo is the best agent in {game}", "mute {who} he is toxic", "how do you mute people in {game}?", "potato salad for dinner", "the delay on that grenade is huge in {game}", "this map is broken", "this weapon is broken {emote}", "{game} is dead", "error on my side, wrong build", "the test fails on ci again", "freeze mage deck again {emote}", "he got frozen by the ice spell",
    ],
    "es": [
        "qué {thing}", "{who} es muy bueno", "buena {thing} {emote}", "gg", "{emote} {emote}", "hola chat", "primera vez aquí, hola", "es gratis {game}?", "cuánto llevas jugando a {game}", "{who} llevó toda la ronda", "me encanta {game}", "{game} es muy difícil", "esa {thing} fue increíble", "qué rango tiene {who}?", "quién ganó la última?", "compra armadura", "ve por la izquierda", "puedes jugar a {game}?",
        "el servidor de {game} tiene mucho lag", "congela la ola en mid", "mi código va con retraso", "se me traba el mando en {game}", "usa un buffer circular en esa función", "mi ping en {game} es 200", "{game} se me crashea en el pc", "se ve perfecto sin lag", "ya va bien, gracias", "qué bitrate usas en obs?", "{who} está muerto", "murió {who}?", "cayó la torre", "esa canción es buenísima", "jaja {who} falló el {thing}", "feliz cumple!", "cuándo es el torneo?", "acabo de llegar del trabajo", "!uptime", "!discord", "{who} está atascado en bronce", "los servidores de {game} están caídos", "mi profe congeló el examen", "el jefe te congela y te mata", "mutea a {who} que es tóxico", "arma rota {emote}", "{game} está muerto", "vaya {thing} de {who}", "jajajaja {emote}", "buenas noches a todos", "qué hora es ahí?", "me voy a dormir", "el desfase horario me mata", "me pillaron comiendo", "corta la soga en {game}", "los gráficos pixel art molan", "{who} juega con retraso de 20 minions",
    ],
    "pt": [
        "que {thing}", "{who} é muito bom", "boa {thing} {emote}", "gg", "{emote} {emote}", "oi chat", "primeira vez aqui, oi", "{game} é de graça?", "quanto tempo joga {game}", "{who} carregou a rodada", "amo {game}", "{game} é muito difícil", "essa {thing} foi absurda", "qual o elo do {who}?", "quem ganhou a última?", "compra colete", "vai pela esquerda", "joga {game} depois?",
        "o servidor de {game} tá lagado", "congela a wave no bot", "meu código tá atrasado", "o controle trava no {game}", "usa um buffer circular nessa função", "meu ping no {game} tá 200", "{game} crashou no meu pc", "tá perfeito sem lag", "voltou, tá normal agora", "qual bitrate você usa no obs?", "{who} morreu", "{who} tá morto?", "caiu a torre", "essa música é boa demais", "kkkk {who} errou o {thing}", "feliz aniversário!", "quando é o torneio?", "cheguei do trabalho agora", "!uptime", "!discord", "{who} preso no bronze", "servidores de {game} caíram", "o chefe congela e mata", "muta o {who} que é tóxico", "arma quebrada {emote}", "{game} morreu", "boa noite galera", "que horas são aí?", "vou dormir", "travei na fase 3 do {game}", "corta a corda no {game}", "pixel art é lindo", "{who} tá atrasado de farm", "trava o alvo no {who}",
    ],
    "fr": [
        "quel {thing}", "{who} est trop fort", "belle {thing} {emote}", "gg", "{emote} {emote}", "salut le chat", "première fois ici, salut", "{game} c'est gratuit ?", "tu joues à {game} depuis quand", "{who} a porté la manche", "j'adore {game}", "{game} est trop dur", "cette {thing} était folle", "il est quel rang {who} ?", "qui a gagné la dernière ?", "achète une armure", "va à gauche", "tu joues à {game} après ?",
        "le serveur de {game} lag", "freeze la wave sous la tour", "mon code est en retard", "la manette bloque dans {game}", "mets un buffer circulaire dans cette fonction", "j'ai 200 de ping sur {game}", "{game} a crash sur mon pc", "zéro lag, c'est nickel", "c'est bon, revenu", "tu mets quel bitrate dans obs ?", "{who} est mort", "{who} est mort ?", "la tour est tombée", "cette musique est géniale", "mdr {who} a raté le {thing}", "joyeux anniversaire !", "c'est quand le tournoi ?", "je rentre du boulot", "!uptime", "!discord", "{who} est bloqué en bronze", "les serveurs de {game} sont en panne", "le boss te gèle et te tue", "mute {who} il est toxique", "arme pétée {emote}", "{game} est mort", "bonne nuit tout le monde", "il est quelle heure chez toi ?", "je vais dormir", "je suis bloqué au niveau 3 de {game}", "coupe la corde dans {game}", "le pixel art c'est beau", "{who} est en retard de 20 cs", "c'est bloqué à gauche, passe à droite dans {game}",
    ],
    "de": [
        "was für ein {thing}", "{who} ist so gut", "schöne {thing} {emote}", "gg", "{emote} {emote}", "hallo chat", "erstes mal hier, hi", "ist {game} kostenlos?", "wie lange spielst du {game} schon", "{who} hat die runde getragen", "ich liebe {game}", "{game} ist zu schwer", "{thing} war krass", "welchen rang hat {who}?", "wer hat gewonnen?", "kauf rüstung", "geh links", "spielst du danach {game}?",
        "der server von {game} laggt", "frier die welle unter dem turm ein", "mein code hängt hinterher", "der controller hängt in {game}", "nimm einen ringpuffer in der funktion", "mein ping in {game} ist 200", "{game} ist auf meinem pc abgestürzt", "läuft super flüssig", "geht wieder, danke", "welche bitrate hast du in obs?", "{who} ist tot", "ist {who} tot?", "der turm ist weg", "das lied ist super", "haha {who} hat den {thing} verfehlt", "alles gute zum geburtstag!", "wann ist das turnier?", "komme grad von der arbeit", "!uptime", "!discord", "{who} hängt in bronze fest", "die server von {game} sind down", "der boss friert dich ein", "mute {who}, der ist toxisch", "waffe ist kaputt {emote}", "{game} ist tot", "gute nacht zusammen", "wie spät ist es bei dir?", "ich geh schlafen", "ich hänge bei level 3 in {game}", "schneid das seil in {game}", "pixel art ist schön", "{who} liegt 20 cs hinten", "der gegner ruckelt durch die map in {game}",
    ],
    "it": [
        "che {thing}", "{who} è fortissimo", "bella {thing} {emote}", "gg", "{emote} {emote}", "ciao chat", "prima volta qui, ciao", "{game} è gratis?", "da quanto giochi a {game}", "{who} ha portato il round", "adoro {game}", "{game} è troppo difficile", "quella {thing} era pazzesca", "che rank ha {who}?", "chi ha vinto l'ultima?", "compra l'armatura", "vai a sinistra", "dopo giochi a {game}?",
        "il server di {game} lagga", "freeza la wave sotto torre", "il mio codice è in ritardo", "il controller si blocca in {game}", "usa un buffer circolare in quella funzione", "ho 200 di ping su {game}", "{game} mi è crashato sul pc", "zero lag, perfetto", "ora va, grazie", "che bitrate usi su obs?", "{who} è morto", "{who} è morto?", "è caduta la torre", "questa canzone è bellissima", "ahah {who} ha sbagliato il {thing}", "buon compleanno!", "quando è il torneo?", "torno ora dal lavoro", "!uptime", "!discord", "{who} è bloccato in bronzo", "i server di {game} sono giù", "il boss ti congela", "muta {who} che è tossico", "arma rotta {emote}", "{game} è morto", "buonanotte a tutti", "che ore sono da te?", "vado a dormire", "sono bloccato al livello 3 di {game}", "taglia la corda in {game}", "la pixel art è bella", "{who} è indietro di 20 cs",
    ],
    "hi": [
        "kya {thing} tha", "{who} bahut accha hai", "mast {thing} {emote}", "gg", "{emote} {emote}", "hello chat", "pehli baar aaya hu, hi", "{game} free hai?", "kab se {game} khel rahe ho", "{who} ne round jitaya", "mujhe {game} pasand hai", "{game} bahut mushkil hai", "woh {thing} kamaal tha", "{who} ka rank kya hai?", "pichla kisne jeeta?", "armor le lo", "left jao", "baad me {game} khelo?",
        "{game} ke server me lag hai", "wave freeze karo tower ke neeche", "mera code late chal raha hai", "controller atak raha hai {game} me", "us function me ring buffer use karo", "mera ping {game} me 200 hai", "{game} mere pc pe crash hua", "ekdum smooth bina lag ke", "ab sahi hai, thanks", "obs me kitna bitrate rakhte ho?", "{who} mar gaya", "{who} mar gaya kya?", "tower gir gaya match me", "yeh gaana mast hai", "haha {who} ne {thing} miss kiya", "happy birthday bhai!", "tournament kab hai?", "office se abhi aaya", "!uptime", "!discord", "{who} bronze me atka hai game me", "{game} ke servers down hai", "boss freeze kar deta hai", "{who} ko mute karo toxic hai", "gun broken hai {emote}", "yeh game dead hai", "good night sabko", "kitne baje hai wahan?", "sone ja raha hu", "level 3 pe atka hu {game} me", "क्या शॉट मारा", "भाई बहुत अच्छा खेला", "इस गेम में लैग है", "सर्वर डाउन है गेम का", "नमस्ते सबको", "अगला मैच कब है?", "मेरा कोड अटक गया", "बॉस ने फ्रीज कर दिया",
    ],
    "ar": [
        "وش هال{thing}", "{who} قوي مره", "{thing} حلوه {emote}", "gg", "{emote} {emote}", "هلا شات", "اول مره ادخل هنا", "{game} مجانيه؟", "من متى تلعب {game}", "{who} شال الجوله", "احب {game}", "{game} صعبه", "ال{thing} خرافيه", "كم رانك {who}؟", "مين فاز؟", "اشتر درع", "روح يسار", "بتلعب {game} بعدين؟",
        "سيرفر {game} فيه لاق", "البوس يجمدك ويقتلك", "الكود حقي متأخر", "اليد تعلق في اللعبة", "استخدم بفر دائري في الكود", "بنقي في {game} ٢٠٠", "اللعبة كرشت على جهازي", "بدون لاق ممتاز", "رجع البث تمام", "كم البت ريت في obs؟", "{who} مات", "مات {who}؟", "طاح البرج في المباراة", "الاغنيه حلوه", "ههه {who} ضيع ال{thing}", "كل عام وانت بخير", "متى البطوله؟", "توني راجع من الدوام", "!uptime", "!discord", "{who} عالق في البرونز في اللعبة", "سيرفرات اللعبة طايحه", "اكتم {who} تراه سام", "السلاح مكسور {emote}", "اللعبة ماتت", "تصبحون على خير", "كم الساعه عندك؟", "بروح انام", "واقف عند المرحله ٣ في اللعبة",
    ],
}


def messages(language):
    """Different messages of a language, templates in turn."""
    fill = FILL[language]
    out = []
    for template in TEMPLATES[language]:
        names = [name for name in fill if "{" + name + "}" in template]
        texts = [template]
        for values in itertools.product(*(fill[name] for name in names)):
            texts.append(template.format(**dict(zip(names, values))))
        texts = sorted({text for text in texts if "{" not in text})
        out.append(texts + [f"{text} {emote}" for text, emote in zip(texts, fill["emote"])])
    return out


def main():
    print("lang\ttext")
    for language in TEMPLATES:
        random.seed(language)
        lists = messages(language)
        for texts in lists:
            random.shuffle(texts)
        # Every template before a second message of any.
        rounds = itertools.chain.from_iterable(itertools.zip_longest(*lists))
        for text in list(dict.fromkeys(text for text in rounds if text))[:300]:
            print(f"{language}\t{text}")


if __name__ == "__main__":
    main()
