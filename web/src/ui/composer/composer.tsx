import { BarChart3, CaseSensitive, Plus, SendHorizontal } from "lucide-react";
import {
  type ClipboardEvent,
  type KeyboardEvent,
  type RefObject,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import type { Composing } from "../../chat/page_core";
import { texts } from "../../texts";
import { clockTime } from "../../time_format";
import { cardLabels } from "../cards/labels";
import { IconButton } from "../components/icon_button";
import { EmojiButton } from "../emoji/emoji_button";
import { byTouch, isMenuFocused } from "../keyboard/focus";
import { insertText } from "../keyboard/insert_text";
import { AnswerQuestionContext } from "../page/answer_question_context";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { AttachButton, AttachmentTray } from "./attachment_tray";
import { CompletionList } from "./completion_list";
import { formatSelection, handleComposerKey, isPlainPaste } from "./composer_keys";
import { DropZone, pastedFiles } from "./drop_zone";
import { useCompletion } from "./use_completion";
import { useComposer } from "./use_composer";
import { useRecording } from "./use_recording";
import { VoiceRecorder } from "./voice_recorder";
import "./composer.css";

const PollDialog = lazyPart(() => import("../cards/poll_dialog"));
const FormattingBar = lazyPart(() => import("./formatting_bar"), "silent");

interface Props {
  /** The conversation's id. */
  id: string;
  /** The words of the empty field. */
  placeholder: string;
  /** The root of the thread; undefined for the conversation itself. */
  threadId?: string | undefined;
}

/** The message field. A draft and its files belong to their conversation or thread, and outlive a reload. */
export function Composer({ id, placeholder, threadId }: Props) {
  const { emoji } = useChat();
  const isStaff = useChatState((state) => state.teams.length > 0);
  const AnswerQuestion = useContext(AnswerQuestionContext);
  const composer = useComposer(id, threadId);
  const { content, composing, edited, attached, isTooLong, problem, canSend, attach, cancel } = composer;
  const { waitsS } = composer;
  const recorder = useRecording(composer);
  const { recording, isEnding, send } = recorder;
  const form = useRef<HTMLFormElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const fieldId = useId();
  const barId = useId();
  const [hasBar, toggleBar] = useFormattingBar();
  const [isUnfolded, setUnfolded] = useState(false);
  const [makesPoll, setMakesPoll] = useState(false);
  const pastesPlainly = useRef(false);
  const isTall = useTallField(field, content);
  const { completion, typed, moved, pressed: pressedInList, close } = useCompletion(field, content, id);

  useLayoutEffect(() => {
    // The reader continues a draft, no matter what focuses the field.
    field.current?.setSelectionRange(field.current.value.length, field.current.value.length);
  }, []);
  useEffect(() => {
    // On a phone, the keyboard would cover what the reader wants to read. A menu would close without the focus.
    if (composing !== null || !(byTouch || isMenuFocused())) field.current?.focus();
  }, [composing]);

  const add = (files: readonly File[]): void => {
    attach(files);
    if (files.length > 0) field.current?.focus();
  };
  const pressed = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    pastesPlainly.current = isPlainPaste(event);
    if (!pressedInList(event)) handleComposerKey(event, { ...composer, send });
  };
  const pasted = (event: ClipboardEvent): void => {
    const files = pastesPlainly.current ? [] : pastedFiles(event.clipboardData);
    pastesPlainly.current = false;
    if (files.length === 0) return;
    event.preventDefault();
    add(files);
  };
  const put = (sign: string): void => {
    const { current } = field;
    if (current === null) return;
    emoji.used(sign);
    insertText(current, { from: current.selectionStart, to: current.selectionEnd, insert: sign });
  };
  return (
    <>
      <form
        className="composer"
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          setUnfolded(false);
          send();
        }}
      >
        <DropZone within={form} onFiles={add} />
        {isStaff && edited === null && (
          <AnswerQuestion
            id={id}
            threadId={threadId}
            isBegun={content !== "" || attached.length > 0 || recording !== null || isEnding}
          />
        )}
        {composing && <Origin composing={composing} onCancel={cancel} />}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: it does nothing but leave the focus where it is */}
        <div
          className={["box", isUnfolded && "unfolded", isTall && "tall"].filter(Boolean).join(" ")}
          onMouseDown={(event) => {
            // A button that takes the focus from the field would close a phone's keyboard.
            const isButton = (event.target as Element).closest("button") !== null;
            if (isButton && document.activeElement === field.current) event.preventDefault();
          }}
        >
          {completion && <CompletionList completion={completion} />}
          {edited === null && <AttachmentTray files={attached} />}
          {hasBar && (
            <FormattingBar
              id={barId}
              onFormat={(format) => field.current !== null && formatSelection(field.current, format)}
              onClose={toggleBar}
            />
          )}
          <IconButton
            icon={Plus}
            label={texts.composerButtons}
            className="unfold"
            aria-expanded={isUnfolded}
            onClick={() => setUnfolded(!isUnfolded)}
          />
          {edited === null && <AttachButton onFiles={add} />}
          {edited === null && (
            <IconButton
              icon={BarChart3}
              label={cardLabels.makePoll}
              aria-haspopup="dialog"
              onClick={() => setMakesPoll(true)}
            />
          )}
          {(edited === null || recording !== null) && <VoiceRecorder state={recorder} />}
          <label className="hidden" htmlFor={fieldId}>
            {texts.message}
          </label>
          <textarea
            id={fieldId}
            ref={field}
            rows={1}
            dir="auto"
            value={content}
            placeholder={placeholder}
            enterKeyHint={byTouch ? "enter" : "send"}
            aria-invalid={isTooLong || undefined}
            aria-autocomplete="list"
            aria-haspopup="listbox"
            aria-controls={completion?.listId}
            aria-activedescendant={completion?.optionId(completion.active)}
            onKeyDown={pressed}
            onPaste={pasted}
            onBlur={close}
            onSelect={({ currentTarget }) => moved(currentTarget.selectionStart)}
            onChange={({ target, nativeEvent }) => {
              composer.setContent(target.value);
              typed(target, (nativeEvent as InputEvent).inputType);
            }}
          />
          <IconButton
            icon={CaseSensitive}
            label={texts.formatting.title}
            aria-expanded={hasBar}
            aria-controls={hasBar ? barId : undefined}
            onClick={toggleBar}
          />
          <EmojiButton label={texts.emoji.pick} onPick={put} returnTo={field} placement="top-end" />
          <button
            type="submit"
            className="send"
            title={texts.send}
            aria-label={texts.send}
            disabled={!canSend && (recording === null || waitsS > 0)}
          >
            <SendHorizontal className="icon" aria-hidden="true" />
          </button>
        </div>
        <div className="trouble">
          {waitsS > 0 && (
            // Screen readers do not announce each second.
            <p className="slowed" role="timer" aria-live="off">
              {texts.slowMode.youWait(clockTime(waitsS * 1_000))}
            </p>
          )}
          <p className="problem" role="alert">
            {problem}
          </p>
          {composer.canBeFile && (
            <button
              type="button"
              className="quiet"
              onClick={() => {
                composer.toFile();
                field.current?.focus();
              }}
            >
              {texts.sendAsFile}
            </button>
          )}
        </div>
      </form>
      {makesPoll && <PollDialog conversationId={id} threadId={threadId} onClose={() => setMakesPoll(false)} />}
    </>
  );
}

/** The message that is edited or replied to, with a button to cancel. */
function Origin({ composing: { kind, message }, onCancel }: { composing: Composing; onCancel: () => void }) {
  return (
    <p className="composing">
      {kind === "edit" ? texts.editing : texts.replyingTo(message.sender.name)}
      <span className="excerpt" dir="auto">
        {plainText(messageSummary(message))}
      </span>
      <button type="button" className="quiet" onClick={onCancel}>
        {texts.cancel}
      </button>
    </p>
  );
}

/**
 * Returns whether the text has needed a second line, and so has the width of the composer, with the buttons below. It
 * keeps it until it is empty, because it may fit into one line of that width.
 */
export function useTallField(field: RefObject<HTMLTextAreaElement | null>, content: string): boolean {
  const [isTall, setTall] = useState(false);
  useLayoutEffect(() => {
    const { current } = field;
    if (current === null) return;
    if (content === "") setTall(false);
    else if (linesOf(current) > 1.5) setTall(true);
  }, [field, content]);
  return isTall;
}

function linesOf(field: HTMLTextAreaElement): number {
  const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(field);
  const inside = field.scrollHeight - Number.parseFloat(paddingTop) - Number.parseFloat(paddingBottom);
  return inside / Number.parseFloat(lineHeight);
}

const STORAGE_KEY = "talkwire.formatting";

/** Whether the formatting toolbar is shown, which the browser remembers. */
export function useFormattingBar(): readonly [isShown: boolean, toggle: () => void] {
  const [isShown, setShown] = useState(() => localStorage.getItem(STORAGE_KEY) !== null);
  const toggle = (): void => {
    setShown(!isShown);
    if (isShown) localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, "shown");
  };
  return [isShown, toggle];
}
