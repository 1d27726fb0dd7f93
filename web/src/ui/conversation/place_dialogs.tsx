import type { Conversation } from "@talkwire/client";
import { may, own, roleOf } from "@talkwire/client/parts";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { texts } from "../../texts";
import { byTouch, focusComposer } from "../keyboard/focus";
import { useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";

const AddPeople = lazyPart(() => import("../panel/add_people"));
const EditConversation = lazyPart(async () => {
  const { EditConversationDialog } = await import("../panel/edit_conversation_dialog");
  return { default: EditConversationDialog };
});

type Opened = "people" | "description";

const OpenContext = createContext<(dialog: Opened) => void>(() => undefined);

/**
 * The dialogs that the messages of a conversation open. They are not part of a row, which is removed when it is out of
 * sight.
 */
export function PlaceDialogs({ id, children }: { id: string; children: ReactNode }) {
  const conversation = useChatState((state) => own(state.conversations, id));
  const [opened, setOpened] = useState<Opened | null>(null);
  const [hasAdded, setAdded] = useState(false);
  const close = (): void => setOpened(null);
  // The message field cannot have the focus before the dialog is gone.
  useEffect(() => {
    if (!hasAdded) return;
    setAdded(false);
    writeNext();
  }, [hasAdded]);
  return (
    <>
      <OpenContext value={setOpened}>{children}</OpenContext>
      {conversation !== undefined && opened === "people" && (
        <AddPeople conversation={conversation} onAdded={() => setAdded(true)} onClose={close} />
      )}
      {conversation !== undefined && opened === "description" && (
        <EditConversation conversation={conversation} focusOn="[name=description]" onClose={close} />
      )}
    </>
  );
}

export function AddPeopleButton() {
  const open = useContext(OpenContext);
  return (
    <button type="button" onClick={() => open("people")}>
      {texts.places.add}
    </button>
  );
}

export function AddDescriptionButton() {
  const open = useContext(OpenContext);
  return (
    <button type="button" onClick={() => open("description")}>
      {texts.places.addDescription}
    </button>
  );
}

/** Whether the reader may add people to it and edit its texts. */
export function useMayManage(conversation: Conversation | undefined): boolean {
  const me = useChatState((state) => state.me);
  if (conversation === undefined || conversation.kind === "direct") return false;
  return may(conversation.kind, roleOf(conversation, me), "manage");
}

/** Focuses the message field, once a closed dialog has given the focus back. */
export function writeNext(): void {
  // It would call up a keyboard on the screen.
  if (!byTouch) requestAnimationFrame(() => focusComposer());
}
