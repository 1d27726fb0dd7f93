/** Sent files: their URLs, and the picture that is open. */

import type { Attachment, Message, SentFile, SentFilePage, SentLinkPage } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import { download } from "../../server/download";
import { texts } from "../../texts";
import type { PageCore } from "../page_core";
import { type TextPreview, textPreview } from "./text_preview";

/** The lists of a conversation's files: pictures and film, other files, sound. */
export type FileKind = "media" | "file" | "audio";

/** A picture, and who sent it and when. */
export type SentPicture = Pick<SentFile, "file" | "sender" | "createdAt">;

/** The picture that is open, and those before and after it. */
export interface Viewing {
  readonly pictures: readonly SentPicture[];
  readonly index: number;
  /** Whether they are all pictures of a list, only those that are loaded, or those of one message. */
  readonly among: "all" | "loaded" | "message";
}

export class Files {
  readonly viewing: StoreApi<Viewing | null> = createStore<Viewing | null>(() => null);
  readonly #core: PageCore;
  readonly #urls = new Map<string, string>();

  constructor(core: PageCore) {
    this.#core = core;
  }

  /**
   * Returns the URL from which the browser loads a file. It stays the same until the page is reloaded, although tokens
   * change: the browser's cache would not recognize another URL.
   */
  urlOf(path: string): string {
    const known = this.#urls.get(path);
    if (known !== undefined) return known;
    const fileUrl = this.#core.api.authenticatedUrl(path);
    this.#urls.set(path, fileUrl);
    return fileUrl;
  }

  /** Returns another URL after the first one failed, because its token may have expired. */
  async renewedUrlOf(path: string): Promise<string> {
    await this.#core.api.renewAddressToken(true);
    this.#urls.delete(path);
    return this.urlOf(path);
  }

  /** Downloads a file. */
  async download({ url, name }: Attachment): Promise<void> {
    const { api } = this.#core;
    await api.renewAddressToken();
    download(api.authenticatedUrl(url), name);
  }

  /** Returns the beginning of a text file. Rejects with an error whose message is for the reader. */
  async textOf(file: Attachment): Promise<TextPreview> {
    return textPreview(this.#core.api, file, texts.textFile.failed);
  }

  /** Returns a page of the files of a conversation, newest first. */
  async list(conversationId: string, kind: FileKind, cursor: string | null): Promise<SentFilePage> {
    const asked = new URLSearchParams({ kind, limit: "48", ...(cursor === null ? {} : { cursor }) });
    return this.#core.api.get<SentFilePage>(`conversations/${encodeURIComponent(conversationId)}/files?${asked}`);
  }

  /** Returns a page of the links in a conversation's messages, newest first. */
  async listLinks(conversationId: string, cursor: string | null): Promise<SentLinkPage> {
    const asked = new URLSearchParams({ limit: "48", ...(cursor === null ? {} : { cursor }) });
    return this.#core.api.get<SentLinkPage>(`conversations/${encodeURIComponent(conversationId)}/links?${asked}`);
  }

  /** Opens a picture among others. */
  viewAmong(pictures: readonly SentPicture[], picture: Attachment, among: Viewing["among"]): void {
    const index = pictures.findIndex(({ file }) => file === picture);
    this.viewing.setState({ pictures, index, among }, true);
  }

  /** Opens a picture of a message, among the loaded pictures of its conversation. */
  view(message: Message, picture: Attachment): void {
    const timeline = own(this.#core.now.timelines, message.conversationId);
    const all = timeline?.messages.flatMap(picturesOf) ?? [];
    if (!all.some(({ file }) => file === picture)) this.viewAmong(picturesOf(message), picture, "message");
    else this.viewAmong(all, picture, timeline?.atStart && timeline.atEnd ? "all" : "loaded");
  }

  /** Moves to another picture, within bounds. */
  step(by: number): void {
    const now = this.viewing.getState();
    if (now === null) return;
    const index = Math.min(now.pictures.length - 1, Math.max(0, now.index + by));
    this.viewing.setState({ ...now, index }, true);
  }

  close(): void {
    this.viewing.setState(null, true);
  }
}

function picturesOf({ attachments = [], sender, createdAt }: Message): SentPicture[] {
  return attachments.filter(isPicture).map((file) => ({ file, sender, createdAt }));
}

/** Bytes of an animated picture that moves in the conversation, at most: a larger one moves when it is opened. */
const MOVING_MAX_BYTES = 5_000_000;

/** Returns whether a picture may move in the conversation. Its thumbnail is still. */
export function isMoving({ contentType, animated = contentType === "image/gif", size = 0 }: Attachment): boolean {
  return animated && size <= MOVING_MAX_BYTES;
}

/** Returns whether the server made a thumbnail of the file, and so considers it a safe picture. */
export function isPicture({ thumbnailUrl }: Attachment): boolean {
  return thumbnailUrl !== undefined;
}
