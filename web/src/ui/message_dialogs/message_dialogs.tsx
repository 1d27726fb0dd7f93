import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";

const ActionSheet = lazyPart(() => import("./action_sheet"));
const ChoiceDialog = lazyPart(() => import("../cards/choice_dialog"));
const ChosenBy = lazyPart(() => import("./chosen_by"));
const DeleteDialog = lazyPart(() => import("./delete_dialog"));
const ForwardDialog = lazyPart(() => import("./forward_dialog"));
const EndDialog = lazyPart(() => import("../cards/end_dialog"));
const EditHistory = lazyPart(() => import("./edit_history"));
const RatingComment = lazyPart(() => import("../ratings/rating_comment"));
const ReactedBy = lazyPart(() => import("./reacted_by"));
const MessageReport = lazyPart(() => import("./report_dialog"));
const SeenBy = lazyPart(() => import("./seen_by"));

const KINDS = {
  actions: ActionSheet,
  choices: ChosenBy,
  delete: DeleteDialog,
  end: EndDialog,
  forward: ForwardDialog,
  history: EditHistory,
  rating: RatingComment,
  reactions: ReactedBy,
  receipts: SeenBy,
  report: MessageReport,
};

/** The open dialog about a message. */
export function MessageDialogs() {
  const chat = useChat();
  const messageDialog = useChatState((state) => state.messageDialog);
  if (messageDialog === null) return null;
  const close = (): void => chat.openMessageDialog(null);
  if (messageDialog.kind === "choice")
    return <ChoiceDialog message={messageDialog.message} actionId={messageDialog.actionId} onClose={close} />;
  const Kind = KINDS[messageDialog.kind];
  return <Kind message={messageDialog.message} onClose={close} />;
}
