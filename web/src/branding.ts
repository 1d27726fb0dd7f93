/** The operator's name, sentence and logo. The server writes them into the page's head, so they need no request. */

import { texts } from "./texts";

/** Puts the operator's name and sentence in the place of Talkwire's, in the texts of the reader's language. */
export function brandTexts(head: ParentNode = document, title: string = document.title): void {
  if (title !== "") Object.assign(texts, { name: title });
  const description = head.querySelector<HTMLMetaElement>("meta[name=description]")?.content;
  if (description) Object.assign(texts, { tagline: description });
}

/** Returns the address of the logo. */
export function logoAddress(head: ParentNode = document): string {
  return head.querySelector<HTMLLinkElement>("link[rel=icon]")?.href ?? "./icon.svg";
}
