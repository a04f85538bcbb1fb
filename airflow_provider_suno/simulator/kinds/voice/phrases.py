"""The phrases that singers have to record, in each language."""

from __future__ import annotations

import hashlib

_PHRASES = {
    "en": ("The river carries every song", "A lantern glows beside the door", "Tomorrow brings another tune"),
    "zh": ("河水带走每一首歌", "门边亮着一盏灯", "明天会有新的旋律"),
    "es": ("El río lleva cada canción", "Un farol brilla en la puerta", "Mañana llega otra melodía"),
    "fr": ("La rivière porte chaque chanson", "Une lanterne brille à la porte", "Demain viendra un autre air"),
    "pt": ("O rio leva cada canção", "Uma lanterna brilha na porta", "Amanhã vem outra melodia"),
    "de": ("Der Fluss trägt jedes Lied", "Ein Licht brennt an der Tür", "Morgen kommt ein neuer Klang"),
    "ja": ("川はすべての歌を運ぶ", "戸口に灯りがともる", "明日はまた新しい調べ"),
    "ko": ("강물은 모든 노래를 싣고", "문 옆에 등불이 빛나네", "내일은 또 다른 선율"),
    "hi": ("नदी हर गीत को ले जाती है", "दरवाज़े पर दीपक जलता है", "कल एक नई धुन आएगी"),
    "ru": ("Река уносит каждую песню", "Фонарь горит у двери", "Завтра будет новая мелодия"),
}
LANGUAGES = tuple(_PHRASES)
"""The languages that a phrase can be in; the first is the default."""


def phrase_of(language: str, job_id: str, attempt: int) -> str:
    """
    Return the phrase of a job. The next attempt has another one.

    :param language: its language; the default if it is none of these.
    :param attempt: number of the attempt, from 0.
    """
    phrases = _PHRASES.get(language, _PHRASES[LANGUAGES[0]])
    first = hashlib.sha256(job_id.encode()).digest()[0]
    return phrases[(first + attempt) % len(phrases)]
