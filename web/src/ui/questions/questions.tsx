import { lazy, Suspense } from "react";
import { useChat, useChatState } from "../context";

const DeleteQuestion = lazy(() => import("./delete_question"));
const ForwardQuestion = lazy(() => import("./forward_question"));
const EditHistory = lazy(() => import("./edit_history"));
const ReactedBy = lazy(() => import("./reacted_by"));
const SeenBy = lazy(() => import("./seen_by"));

const KINDS = {
  delete: DeleteQuestion,
  forward: ForwardQuestion,
  history: EditHistory,
  reactions: ReactedBy,
  receipts: SeenBy,
};

/** What the reader is asked, or shown, about a message. */
export function Questions() {
  const chat = useChat();
  const question = useChatState((state) => state.question);
  if (question === null) return null;
  const Kind = KINDS[question.kind];
  return (
    <Suspense>
      <Kind message={question.message} onClose={() => chat.askAbout(null)} />
    </Suspense>
  );
}
