// Pictures above the server's limit are scaled down before they are sent.

const LARGEST_SIDE = 2_560; // pixels; larger than most screens
const SMALLEST_SIDE = 64;
const QUALITY = 0.85;

/** Return the picture, or a smaller copy of at most `limit` bytes. Throws if the browser cannot read the picture. */
export async function fit(file, limit) {
  if (file.size <= limit) return file;
  const bitmap = await createImageBitmap(file); // the browser rotates it as its EXIF data require
  try {
    let scale = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    while (scale * Math.max(bitmap.width, bitmap.height) >= SMALLEST_SIDE) {
      const copy = await draw(bitmap, scale);
      if (copy.size <= limit) return copy;
      scale *= Math.max(0.25, Math.min(0.9, 0.95 * Math.sqrt(limit / copy.size))); // the size in bytes grows with the area
    }
    throw new Error("too large at any size");
  } finally {
    bitmap.close();
  }
}

async function draw(bitmap, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const copy = await encode(canvas, "image/webp");
  if (copy?.type === "image/webp") return copy;
  context.globalCompositeOperation = "destination-over"; // browsers that cannot write WebP write JPEG, which has no transparency
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  const opaque = await encode(canvas, "image/jpeg");
  if (!opaque) throw new Error("the browser cannot write pictures");
  return opaque;
}

const encode = (canvas, type) => new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
