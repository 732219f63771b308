"""What the agent says at the limits of a call, by language. A configuration's `phrases` win."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent_runtime.agents.calls.limits import Phrases


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language."""

    still_there: str
    silence_goodbye: str
    duration_goodbye: str
    voicemail_message: str | None = None


ENGLISH: Final = Words(
    "Are you still there?",
    "I cannot hear anybody, so I will hang up now. Goodbye.",
    "Our time is up, so I have to end the call now. Thank you, and goodbye.",
)
# By the language's code of two letters.
BY_LANGUAGE: Final = {
    "en": ENGLISH,
    "de": Words(
        "Sind Sie noch da?",
        "Ich höre niemanden und lege jetzt auf. Auf Wiederhören.",
        "Unsere Zeit ist um, ich muss das Gespräch jetzt beenden. Vielen Dank und auf Wiederhören.",
    ),
    "fr": Words(
        "Êtes-vous toujours là ?",
        "Je n'entends personne, je vais donc raccrocher. Au revoir.",
        "Notre temps est écoulé, je dois terminer l'appel. Merci, et au revoir.",
    ),
    "es": Words(
        "¿Sigue usted ahí?",
        "No oigo a nadie, así que voy a colgar. Adiós.",
        "Se nos ha acabado el tiempo y tengo que terminar la llamada. Gracias y adiós.",
    ),
    "it": Words(
        "È ancora lì?",
        "Non sento nessuno, quindi riattacco. Arrivederci.",
        "Il nostro tempo è finito e devo chiudere la chiamata. Grazie e arrivederci.",
    ),
    "pt": Words(
        "Ainda está aí?",
        "Não ouço ninguém, por isso vou desligar. Adeus.",
        "O nosso tempo acabou e tenho de terminar a chamada. Obrigado e adeus.",
    ),
    "nl": Words(
        "Bent u er nog?",
        "Ik hoor niemand, dus ik hang nu op. Tot ziens.",
        "Onze tijd is om, ik moet het gesprek nu beëindigen. Dank u wel en tot ziens.",
    ),
    "pl": Words(
        "Czy jest tam ktoś?",
        "Nikogo nie słyszę, więc się rozłączam. Do widzenia.",
        "Nasz czas się skończył i muszę zakończyć rozmowę. Dziękuję i do widzenia.",
    ),
    "ja": Words(
        "もしもし、聞こえていますか？",
        "お声が聞こえないため、お電話を切らせていただきます。失礼いたします。",
        "お時間となりましたので、お電話を終了いたします。ありがとうございました。失礼いたします。",
    ),
    "zh": Words(
        "您还在吗？",
        "我听不到您的声音，先挂断了。再见。",
        "我们的通话时间到了，我得结束通话了。谢谢，再见。",
    ),
}


def words_of(phrases: Phrases, language: str | None) -> Words:
    """The sentences of an agent that speaks `language`, a BCP 47 code; English for other languages."""
    known = BY_LANGUAGE.get((language or "en").partition("-")[0].lower(), ENGLISH)
    return Words(
        phrases.still_there or known.still_there,
        phrases.silence_goodbye or known.silence_goodbye,
        phrases.duration_goodbye or known.duration_goodbye,
        phrases.voicemail_message,
    )
