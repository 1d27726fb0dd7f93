import { ImageOff } from "lucide-react";
import type { Attachment } from "../../server/payloads";
import { texts } from "../../texts";
import { useFileUrl } from "./use_file_url";

const MAX_WIDTH = 320;
const MAX_HEIGHT = 260;
const MIN = 48;

interface Props {
  picture: Attachment;
  onOpen: () => void;
}

/** A thumbnail. It has its final size from the start, so that nothing moves when it is loaded. */
export function Thumbnail({ picture, onOpen }: Props) {
  const { name, url, thumbnailUrl = url, width = MAX_WIDTH, height = MAX_HEIGHT } = picture;
  const { fileUrl, isMissing, onFailure } = useFileUrl(thumbnailUrl);
  const scale = Math.min(1, MAX_WIDTH / width, MAX_HEIGHT / height);
  const style = { width: Math.max(MIN, Math.round(width * scale)), aspectRatio: `${width} / ${height}` };
  return (
    <button type="button" className="picture" style={style} aria-label={texts.openPicture(name)} onClick={onOpen}>
      {isMissing ? (
        <span className="missing">
          <ImageOff className="icon" aria-hidden="true" />
          {texts.pictureMissing}
        </span>
      ) : (
        <img src={fileUrl} alt="" loading="lazy" decoding="async" onError={onFailure} />
      )}
    </button>
  );
}
