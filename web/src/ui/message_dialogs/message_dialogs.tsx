import { lazy, Suspense } from "react";
import { useChat, useChatState } from "../chat_context";

const DeleteDialog = lazy(() => import("./delete_dialog"));
const ForwardDialog = lazy(() => import("./forward_dialog"));
const EditHistory = lazy(() => import("./edit_history"));
const ReactedBy = lazy(() => import("./reacted_by"));
const SeenBy = lazy(() => import("./seen_by"));

const KINDS = {
  delete: DeleteDialog,
  forward: ForwardDialog,
  history: EditHistory,
  reactions: ReactedBy,
  receipts: SeenBy,
};

/** The open dialog about a message. */
export function MessageDialogs() {
  const chat = useChat();
  const messageDialog = useChatState((state) => state.messageDialog);
  if (messageDialog === null) return null;
  const Kind = KINDS[messageDialog.kind];
  return (
    <Suspense>
      <Kind message={messageDialog.message} onClose={() => chat.openMessageDialog(null)} />
    </Suspense>
  );
}
