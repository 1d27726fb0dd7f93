/** What the thumbs below agents' messages say, in the reader's language. Only readers of such messages load them. */

import type { Language } from "../../languages/languages";

interface RatingTexts {
  readonly title: string;
  readonly good: string;
  readonly bad: string;
  readonly counted: (label: string, count: number) => string;
  readonly sayWhy: string;
  readonly changeWhy: string;
  readonly why: string;
  readonly comment: string;
  readonly hint: string;
  readonly send: string;
}

const english: RatingTexts = {
  title: "Rate this message",
  good: "Good answer",
  bad: "Bad answer",
  counted: (label, count) => `${label}, ${count}`,
  sayWhy: "Say why",
  changeWhy: "Change your comment",
  why: "What is wrong with this answer?",
  comment: "Comment (optional)",
  hint: "The agent and the people responsible for it read your comment.",
  send: "Send",
};

const german: RatingTexts = {
  title: "Diese Nachricht bewerten",
  good: "Gute Antwort",
  bad: "Schlechte Antwort",
  counted: (label, count) => `${label}, ${count}`,
  sayWhy: "Sagen, warum",
  changeWhy: "Kommentar ändern",
  why: "Was stimmt an dieser Antwort nicht?",
  comment: "Kommentar (optional)",
  hint: "Der Agent und die Verantwortlichen lesen deinen Kommentar.",
  send: "Senden",
};

const spanish: RatingTexts = {
  title: "Valorar este mensaje",
  good: "Buena respuesta",
  bad: "Mala respuesta",
  counted: (label, count) => `${label}, ${count}`,
  sayWhy: "Decir por qué",
  changeWhy: "Cambiar el comentario",
  why: "¿Qué falla en esta respuesta?",
  comment: "Comentario (opcional)",
  hint: "El agente y sus responsables leen tu comentario.",
  send: "Enviar",
};

const french: RatingTexts = {
  title: "Évaluer ce message",
  good: "Bonne réponse",
  bad: "Mauvaise réponse",
  counted: (label, count) => `${label}, ${count}`,
  sayWhy: "Dire pourquoi",
  changeWhy: "Modifier le commentaire",
  why: "Qu’est-ce qui ne va pas dans cette réponse\u00a0?",
  comment: "Commentaire (facultatif)",
  hint: "L’agent et les personnes qui en sont responsables lisent votre commentaire.",
  send: "Envoyer",
};

const TEXTS: Readonly<Record<Language, RatingTexts>> = { en: english, de: german, es: spanish, fr: french };

export const ratingTexts: RatingTexts = TEXTS[document.documentElement.lang as Language] ?? english;
