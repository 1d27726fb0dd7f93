/** What leads to cards, in the reader's language: the rest of their texts is loaded with the first card. */

import type { Language } from "../../languages/languages";
import { wordingOf } from "../../languages/wording";

const { counted } = wordingOf(document.documentElement.lang);

interface CardLabels {
  readonly makePoll: string;
  readonly close: string;
  readonly cancel: string;
  /** The cards that wait for the reader's decision. */
  readonly waiting: string;
  readonly waitingCount: (count: number) => string;
}

const LABELS: Readonly<Record<Language, CardLabels>> = {
  en: {
    makePoll: "Create a poll",
    close: "Close poll",
    cancel: "Cancel this request",
    waiting: "Waiting for you",
    waitingCount: (count) => `${counted(count, { one: "decision waits", other: "decisions wait" })} for you`,
  },
  de: {
    makePoll: "Umfrage erstellen",
    close: "Umfrage schließen",
    cancel: "Anfrage zurückziehen",
    waiting: "Wartet auf dich",
    waitingCount: (count) =>
      `${counted(count, { one: "Entscheidung wartet", other: "Entscheidungen warten" })} auf dich`,
  },
  es: {
    makePoll: "Crear una encuesta",
    close: "Cerrar la encuesta",
    cancel: "Cancelar esta solicitud",
    waiting: "Te esperan",
    waitingCount: (count) => `${counted(count, { one: "decisión", other: "decisiones" })} por tomar`,
  },
  fr: {
    makePoll: "Créer un sondage",
    close: "Clore le sondage",
    cancel: "Annuler cette demande",
    waiting: "En attente de vous",
    waitingCount: (count) =>
      `${counted(count, { one: "décision attend", other: "décisions attendent" })} votre réponse`,
  },
};

export const cardLabels: CardLabels = LABELS[document.documentElement.lang as Language] ?? LABELS.en;
