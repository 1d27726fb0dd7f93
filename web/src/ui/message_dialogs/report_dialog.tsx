import type { Message } from "@talkwire/client";
import { texts } from "../../texts";
import { ReportDialog } from "../components/report_dialog";
import { useChat } from "../page/chat_context";
import { MessagePreview } from "./message_preview";

interface Props {
  message: Message;
  onClose: () => void;
}

export default function MessageReport({ message, onClose }: Props) {
  const { moderation } = useChat();
  return (
    <ReportDialog
      title={texts.report.action}
      onReport={(reason, note) => moderation.report(message.id, reason, note)}
      onClose={onClose}
    >
      <MessagePreview message={message} />
    </ReportDialog>
  );
}
