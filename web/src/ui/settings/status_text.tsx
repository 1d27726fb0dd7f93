import { PortalContext } from "@ariakit/react";
import type { ChosenStatus } from "@talkwire/client";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { endOfWeek, inMinutes, tomorrowAt } from "../../chat/ends";
import { texts } from "../../texts";
import { endTime } from "../../time_format";
import { EmojiButton } from "../emoji/emoji_button";
import { insertText } from "../keyboard/insert_text";
import { useChat, useChatState } from "../page/chat_context";
import { usePresence } from "../people/avatar_with_presence";
import "./status_text.css";

const STATUSES: readonly ChosenStatus[] = ["online", "away", "dnd", "invisible"];

/** The choice that keeps the end that the status text has. */
const KEPT = "kept";

/** When a status text ends; undefined for never. */
const TEXT_ENDS: ReadonlyMap<string, () => string | undefined> = new Map<string, () => string | undefined>([
  ["never", () => undefined],
  ["half", () => inMinutes(30).toISOString()],
  ["hour", () => inMinutes(60).toISOString()],
  ["hours", () => inMinutes(4 * 60).toISOString()],
  ["today", () => tomorrowAt(0).toISOString()],
  ["week", () => endOfWeek().toISOString()],
]);

interface StatusText {
  readonly text: string;
  /** The chosen end: a key of `TEXT_ENDS`, or `KEPT`. */
  readonly until: string;
}

/** Returns the reader's status text, and saves the one that a form has. */
export function useStatusText(): StatusText & { save: (form: FormData) => Promise<void> } {
  const { idle } = useChat();
  const presence = usePresence(useChatState((state) => state.me.id));
  const status = STATUSES.find((each) => each === presence?.status) ?? "online";
  const before = { text: presence?.text ?? "", until: presence?.textUntil ? KEPT : "never" };
  const save = async (form: FormData): Promise<void> => {
    const text = String(form.get("text")).trim();
    const until = String(form.get("until"));
    if (text === before.text && until === before.until) return;
    const textUntil = until === KEPT ? presence?.textUntil : TEXT_ENDS.get(until)?.();
    await idle.choose(status, text, {
      ...(text !== "" && textUntil && { textUntil }),
      // Saving the text must not change when the status ends.
      ...(presence?.statusUntil && { statusUntil: presence.statusUntil }),
    });
  };
  return { ...before, save };
}

/** Fields for the status text and its end, with `children` between them. `preset`: shown instead of what the reader has. */
export function StatusTextFields({ preset, children }: { preset: StatusText | undefined; children: ReactNode }) {
  const own = useStatusText();
  const ownUntil = usePresence(useChatState((state) => state.me.id))?.textUntil;
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  // What another device sets, or the server tells late, does not replace what the reader types.
  const [begunWith, setBegunWith] = useState<(StatusText & { textUntil: string | null | undefined }) | null>(null);
  useEffect(() => {
    if (field.current?.value === own.text) setBegunWith(null);
  }, [own.text]);
  const textUntil = begunWith === null ? ownUntil : begunWith.textUntil;
  const { text, until } = preset ?? begunWith ?? own;
  const begin = (): void => setBegunWith((before) => before ?? { text: own.text, until: own.until, textUntil });
  const [place, setPlace] = useState<HTMLElement | null>(null);
  const insert = (emoji: string): void => {
    const { current } = field;
    if (current === null) return;
    const from = current.selectionStart ?? current.value.length;
    insertText(current, { from, to: current.selectionEnd ?? from, insert: emoji });
  };
  return (
    <>
      <div className="status-field">
        <label htmlFor={id}>{texts.settings.statusText}</label>
        <div className="status-line">
          <input
            id={id}
            ref={field}
            // Shows a preset, and a text that was set on another device.
            key={text}
            name="text"
            maxLength={200}
            defaultValue={text}
            placeholder={texts.settings.statusTextHint}
            autoComplete="off"
            onChange={begin}
          />
          <PortalContext value={place}>
            <EmojiButton label={texts.emoji.pick} onPick={insert} returnTo={field} placement="top-end" />
          </PortalContext>
        </div>
        {/* The picker, which would be below the dialog in the page. */}
        <div ref={setPlace} />
      </div>
      {children}
      <label>
        {texts.settings.clearAfter}
        <select key={`${text} ${until} ${textUntil}`} name="until" defaultValue={until} onChange={begin}>
          {textUntil && <option value={KEPT}>{texts.settings.clearAt(endTime(textUntil))}</option>}
          {[...TEXT_ENDS.keys()].map((each) => (
            <option key={each} value={each}>
              {texts.settings.clearChoices[each]}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}
