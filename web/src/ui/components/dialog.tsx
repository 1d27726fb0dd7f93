import { X } from "lucide-react";
import { type ReactNode, type RefObject, useId, useRef, useState } from "react";
import { texts } from "../../texts";
import { byTouch } from "../keyboard/focus";
import { useFocusUntilClosed } from "../keyboard/use_focus_until_closed";
import { useBackCloses } from "../page/use_back_closes";
import { useCallCloses } from "../page/use_call_closes";
import { useLeaving } from "../page/use_leaving";
import { useQuestionBeforeLeaving } from "../page/use_question_before_leaving";
import { hasChangedField } from "./changed_fields";
import { IconButton } from "./icon_button";
import { SheetGrabber } from "./sheet_grabber";
import "./dialog.css";

/** The words of the question whether to discard something. */
interface DiscardWords {
  readonly title: string;
  readonly hint: string;
  readonly keep: string;
}

interface Props {
  title: string;
  /** Also called when the reader leaves it by Escape, Back or the close button, and discards what was changed. */
  onClose: () => void;
  /** Whether something was entered that no field of a form with a name has, such as people who were chosen. */
  isChanged?: boolean;
  /** What is asked before that is lost. */
  question?: DiscardWords;
  /** A selector of what gets the focus instead of the first element, except on touch devices. */
  focusOn?: string | undefined;
  /** Whether there is only text, which the keyboard scrolls. */
  hasText?: boolean;
  /** Whether its title and a button to close it are in sight. Otherwise they are part of what it shows. */
  hasTitle?: boolean;
  /** Whether it is at the lower edge of a touch screen, from where a finger can pull it away. */
  isSheet?: boolean;
  className?: string;
  children: ReactNode;
}

/**
 * A modal dialog. Anyone who leaves it with changes that are not saved is asked whether to discard them; the browser asks
 * where they leave the page with it. A call that is accepted closes it, unless it has such changes.
 */
export function Dialog(props: Props) {
  const { title, onClose, isChanged = false, question, focusOn, hasText = false } = props;
  const { hasTitle = true, isSheet = false, className, children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [isAsking, setAsking] = useState(false);
  const [hasTyped, setTyped] = useState(false);
  const id = useId();
  const hasChanges = (): boolean => isChanged || hasChangedField(dialog.current);
  const isKept = (): boolean => {
    const keeps = hasChanges();
    if (keeps) setAsking(true);
    return keeps;
  };
  const leave = (): void => {
    if (!isKept()) onClose();
  };
  useModal(dialog, focusOn);
  useLeaving(dialog);
  useBackCloses(true, onClose, { isKept });
  useCallCloses(() => {
    if (!hasChanges()) onClose();
  });
  useQuestionBeforeLeaving(isChanged || hasTyped, hasChanges);
  return (
    <>
      <dialog
        ref={dialog}
        tabIndex={-1}
        onChange={() => setTyped(hasChangedField(dialog.current))}
        onKeyDown={(event) => {
          // The browser closes a dialog by a second Escape, whatever is said to the first one.
          if (event.key !== "Escape" || event.defaultPrevented || !isInside(event)) return;
          event.preventDefault();
          leave();
        }}
        onCancel={(event) => {
          // A field for files has an event of this name too.
          if (event.target !== event.currentTarget) return;
          event.preventDefault();
          leave();
        }}
        onClose={() => {
          if (isKept()) dialog.current?.showModal();
          else onClose();
        }}
        aria-labelledby={id}
        className={isSheet ? "sheet" : className}
      >
        <h2 id={id} className={hasTitle ? "dialog-title" : "hidden"}>
          {title}
        </h2>
        <div className="dialog-body" tabIndex={hasText ? 0 : undefined}>
          {children}
        </div>
        {/* Last, because the browser focuses the first element that can have the focus. */}
        {isSheet ? (
          <SheetGrabber sheet={dialog} onClose={leave} />
        ) : (
          hasTitle && <IconButton className="dialog-close" icon={X} label={texts.close} onClick={leave} />
        )}
      </dialog>
      {isAsking && <DiscardQuestion words={question} onDiscard={onClose} onClose={() => setAsking(false)} />}
    </>
  );
}

interface DiscardQuestionProps {
  words?: DiscardWords | undefined;
  onDiscard: () => void;
  onClose: () => void;
}

/** Asks before what was entered is lost. */
export function DiscardQuestion({ words = texts.discarding, onDiscard, onClose }: DiscardQuestionProps) {
  return (
    <Dialog title={words.title} onClose={onClose}>
      <p>{words.hint}</p>
      <div className="buttons">
        <button type="button" onClick={onClose}>
          {words.keep}
        </button>
        <button type="button" className="destructive" onClick={onDiscard}>
          {texts.discard}
        </button>
      </div>
    </Dialog>
  );
}

function useModal(dialog: RefObject<HTMLDialogElement | null>, focusOn: string | undefined): void {
  useFocusUntilClosed(() => {
    dialog.current?.showModal();
    if (focusOn !== undefined && !byTouch) dialog.current?.querySelector<HTMLElement>(focusOn)?.focus();
    // A search would call up the keyboard, above what can be found without it.
    if (byTouch && document.activeElement?.matches("[type=search]")) dialog.current?.focus();
    // The browser scrolls to the focused element, which may be the last button.
    dialog.current?.querySelector(".dialog-body")?.scrollTo({ top: 0 });
  });
}

/** Whether an event comes from the element itself, and not from a menu that React counts as part of it. */
function isInside({ target, currentTarget }: { target: EventTarget; currentTarget: Element }): boolean {
  return target instanceof Node && currentTarget.contains(target);
}
