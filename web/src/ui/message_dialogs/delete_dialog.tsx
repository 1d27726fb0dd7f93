import type { Message } from "@talkwire/client";
import { texts } from "../../texts";
import { useChat } from "../chat_context";
import { Dialog } from "../components/dialog";
import { MessagePreview } from "./message_preview";

interface Props {
  message: Message;
  onClose: () => void;
}

export default function DeleteDialog({ message, onClose }: Props) {
  const { messages } = useChat();
  const remove = (): void => {
    onClose();
    messages.delete(message);
  };
  return (
    <Dialog title={texts.deleteTitle} onClose={onClose}>
      <div className="question">
        <MessagePreview message={message} />
        <p>{texts.deleteHint}</p>
        <div className="buttons">
          <button type="button" className="quiet" onClick={onClose}>
            {texts.cancel}
          </button>
          <button type="button" className="primary question-danger" onClick={remove}>
            {texts.delete}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
