"""In which script and language a text is, by what can be seen of it in microseconds, without a model.

Many scripts have one language. In the others a language is told by its most frequent words, the short ones
that hold sentences together: each is a voice for the languages that have it, shared among them. A text
without such words (a list of names, two words of a query), and one for which two languages have as many
voices, is of none that could be told ("und", as ISO 639 says). docs/how-to/traffic.md has how often that is
right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from components import spelling

BEGINNING = 1600  # characters of a text, which say in which script it is
WORDS = 100  # of a text, which say in which language
UNKNOWN = "und"
ERROR = 1e-6  # of a sum of voices in any order
MARKS = '.,;:!?…"()[]{}«»„“”‘-–—¿¡*_#@،؟।'  # around words

ONE_LANGUAGE: Mapping[str, str] = {
    "armenian": "hy", "bengali": "bn", "cjk": "zh", "ethiopic": "am", "georgian": "ka", "greek": "el",
    "gujarati": "gu", "gurmukhi": "pa", "hangul": "ko", "hebrew": "he", "hiragana": "ja", "kannada": "kn",
    "katakana": "ja", "khmer": "km", "lao": "lo", "malayalam": "ml", "myanmar": "my", "oriya": "or",
    "sinhala": "si", "tamil": "ta", "telugu": "te", "thai": "th",
}  # fmt: skip

FREQUENT: Mapping[str, str] = {
    "af": "die van en in is het dit nie wat vir met was om te hy sy ek ook aan deur",
    "ar": "في من على أن إلى عن هذا هذه التي الذي لا ما كان مع أو كل هو هي لم قد بعد بين",
    "az": "və bu bir üçün ilə olan da də ki ən çox o daha sonra kimi olaraq idi edir lakin onun isə ona "
          "bütün edən",
    "be": "і ў на не што з як гэта да у для ён быў але яго па была былі ад які якая яны яна за аб пры "
          "толькі можа ці",
    "bg": "и на да в от се е за не с са че като по до това при си което той беше която които му им или "
          "през след още има във към бъде съм ние вие този тази",
    "ca": "el la de i que els les a un una per amb és no del va en al més són dels com aquest aquesta "
          "també però quan entre molt perquè fins ser havia hi seva seu",
    "cs": "a v se na je že to s z do o i ve jako pro ale jsou by jeho které byl jsem si k po byla její kde "
          "když nebo než který která však tak jen co ze od při mezi bylo už byly",
    "da": "og det at i er en den til af på som med ikke for der jeg et har de var blev fra hvad efter også "
          "men kan ved mod eller denne meget havde han hun vi skal være sig",
    "de": "der die und das ist nicht ein eine zu den mit sich auf für von dem es ich im auch wie sind sie "
          "war bei des als aus nach wird oder aber nur noch sein einen einem einer wenn kann über um am "
          "mein sehr",
    "en": "the of and to in is that for it was with as on be at by this are you not have my he or which "
          "has were can will all would there their what out about who when more if but they we she been no "
          "up me",
    "es": "el la de que los y en las por un una con para es no se lo del su más como pero al fue son ha "
          "sus está entre cuando muy sin sobre también hasta desde donde había este esta ser yo me mi",
    "et": "ja on ei et see ta oli kui ka ning mis oma aga seda olid ma ole mida selle võib pärast kes kas "
          "siis nii või tema nad meie",
    "eu": "eta da ez bat dira ere zen du dute izan baina hau zuen ziren baino ondoren bere oso batean edo",
    "fa": "و در به از که این را با است برای آن یک بود خود تا بر شد می های",
    "fi": "ja on ei että se oli hän mutta kun myös ovat niin mikä tämä kuin minä joka sen ole jotka tai "
          "hänen jossa ollut vain voi jälkeen kanssa kuten mukaan eivät olisi sitä tämän jos",
    "fr": "le la les des et est une un dans que pour qui pas sur au ce il je vous du de en avec ne se "
          "son aux plus par été être mais comme cette ces elle nous leur sa ses même aussi on où qu",
    "hi": "है के में की से और को का हैं पर यह ने भी था इस एक कि नहीं",
    "hr": "je i u na se da su za od što to ne koji kao bio s iz po koja ali bila bilo kako ili jer kada "
          "sam će do nije samo kod nakon prema",
    "hu": "a az és hogy nem egy is van ez volt meg csak de már mint még ki ha vagy mert pedig voltak lehet "
          "minden után majd sem én ők amely aki ami között szerint",
    "id": "yang dan di dari ini untuk dengan tidak itu pada adalah dalam akan ke saya ada oleh sebagai "
          "telah atau tetapi juga bisa lebih orang sudah saat yaitu mereka kami karena seperti secara",
    "it": "il di che la e è un per non una in sono con del si le della da ma come più gli dei al nel ha l "
          "alla delle dal nella anche se cui questo questa o i ci stato essere ho mi lo",
    "lt": "ir yra kad į ne su buvo tai iš kaip bet už jo o ar apie po savo tačiau nuo iki tik dar arba "
          "kuris kuri kurie per prie dėl taip",
    "lv": "un ir uz ka ar no par bija tas kā bet viņš arī pēc kas lai gadā tika viņa vai līdz kurš pie "
          "savu ļoti tikai vairāk",
    "mk": "и на да во од се е за не со ќе што како го беше кои",
    "mr": "आहे आणि या हे ते होते व एक तर ही नाही मध्ये होता केला आहेत असे त्या त्याने केली म्हणून मी काही "
          "त्याच्या",
    "nb": "og det i er på som en til å av for ikke med at den har jeg de var et fra ble også etter hun seg "
          "mellom noen mye hadde eller men ved blir skal være vi han",
    "ne": "छ र को मा छन् पनि यो थियो गर्न भएको हो लागि गरेको तर छैन भने उनी थिए गरे तथा एक हुन्छ",
    "nl": "de het een van en is dat in niet op te zijn voor met die er aan ik je ook was als door bij maar "
          "naar dan hij zij wordt werd uit over deze ze nog hun hem waar wat geen meer we heb",
    "pl": "w i na z nie się do to jest że o jak po ale co za od tak jego czy są przez był oraz dla być "
          "może tylko jako była było ich jej ten ta te tym który która które lub gdy bardzo już tej",
    "pt": "o a de que e do da em um uma para com não os no se na por mais as dos como é foi ao são das ser "
          "está nos ele ela seu sua também muito quando entre já eu me mas ou até pelo pela",
    "ro": "de și în a la cu nu o pe este din care un mai că să ce pentru sunt au fost prin şi lui sau după "
          "fi ale al ei într această acest nici",
    "ru": "и в не на что я с он как это по но его из все так для был к от у а за то были была их или этот "
          "при бы же только уже быть том она они также который о до мне меня если когда во вы мы где",
    "sk": "a v sa na je že to s z do o i ako pre ale sú by jeho ktoré bol som si k po vo bola bolo ktorý "
          "ktorá alebo než kde keď tak však len čo zo pri medzi už nie sme boli od",
    "sl": "je in na se da so za v ki z ne pa bil tudi ali pri kot ni iz bila bilo po če ko lahko kako samo",
    "sq": "të dhe në e është një për me që nga i së u si ka por nuk janë ishte kjo ky ose edhe deri pas "
          "duke kishte",
    "sr": "и је у на да се су за од што то не који као био са из по била било која или јер када сам ће до "
          "није само код након према",
    "sv": "och att det i som en på är av för med den till inte om ett jag har de var från han efter också "
          "men kan vid mot eller denna mycket hade hon vi ska vara sig under där så när blev",
    "sw": "ya na wa kwa ni katika za la cha kuwa hii yake kama",
    "tl": "ng sa ang mga na ay at ito siya ni si ko para hindi",
    "tr": "ve bir bu da de için ile çok olarak ne daha gibi en var ama ben değil olan sonra o tarafından "
          "kadar göre ilk oldu her ancak yok mi mı sen iyi nasıl ki veya olduğu",
    "uk": "і в не на що з та як це до він від є але його у за про для був бути була були їх або цей при би "
          "же тільки вже вона вони також який яка й під після мені якщо коли ми ви де",
    "ur": "کے میں کی ہے اور سے کا کو نے یہ پر ایک ہیں بھی تھا کہ اس",
    "vi": "và là của có không được một cho các người trong với những này đã tôi khi đến rất nhưng thì vào "
          "ra năm bị ở đó như về lại",
}  # fmt: skip
LETTERS_OF: Mapping[str, str] = {
    "ar": "ةىيك", "az": "əğı", "be": "ўіыэё", "bg": "ъщ", "ca": "ïçòàéèíóú", "cs": "řěůčšžáéíý",
    "da": "æøå", "de": "ßüäö", "es": "ñ¿¡áéíóú", "et": "õäöü", "fa": "پچگژکی", "fi": "äö",
    "fr": "êçœèûéàù", "hr": "đćčšž", "hu": "őűáéíóúöü", "it": "èàòùì", "lt": "ėųįūšžčąę",
    "lv": "āēīūņļķģ", "mk": "ѓќѕјљњ", "nb": "æøå", "pl": "łąężźśćń", "pt": "ãõçáéíóúâê",
    "ro": "ășțşţîâ", "ru": "ыэёъщ", "sk": "ľĺŕôäčšžáéíý", "sl": "čšž", "sq": "ëç", "sr": "ђћљњџј",
    "sv": "åäö", "tr": "ığşçöü", "uk": "іїєґ", "ur": "ٹڈڑےںہھ", "vi": "ơưđạếộáàãêô",
}  # fmt: skip


def _voices(signs: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """word or letter -> the languages that have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for language, own in signs.items():
        for sign in own:
            found[sign].append(language)
    return {sign: tuple(languages) for sign, languages in found.items()}


OF_WORDS = _voices({language: words.split() for language, words in FREQUENT.items()})
OF_LETTERS = _voices(LETTERS_OF)


def script(text: str) -> str:
    """The script that most letters of a text's beginning are of, "latin"; "none" where it has none."""
    return spelling.script(text[:BEGINNING]).lower() or "none"


def language(text: str, script: str) -> str:
    """The language of a text of this script, by its code in ISO 639-1; "und" where that cannot be told."""
    if script == "cjk" and any("\u3040" <= sign <= "\u30ff" for sign in text[:BEGINNING]):
        return "ja"  # which writes names and nouns as Chinese does, and the rest in scripts of its own
    if script in ONE_LANGUAGE:
        return ONE_LANGUAGE[script]
    heard: dict[str, float] = defaultdict(float)
    lower = text[: 20 * WORDS].lower()
    words = lower.replace("'", " ").replace("’", " ").split()[:WORDS]
    voices = [OF_WORDS.get(word.strip(MARKS), ()) for word in words]
    for languages in (*voices, *(OF_LETTERS[sign] for sign in OF_LETTERS.keys() & set(lower))):
        for one in languages:
            heard[one] += 1 / len(languages)
    first, second, *_ = *sorted(heard, key=lambda one: -heard[one]), UNKNOWN, UNKNOWN
    return first if heard[first] - heard[second] > ERROR else UNKNOWN


def language_of(text: str) -> str:
    """The same of a text whose script is not known yet."""
    return language(text, script(text))
