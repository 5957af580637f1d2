// Where a picture lies in its box: it keeps its shape, in the middle, and the rest of the box stays empty.

export interface Box {
  offsetLeft: number;
  clientWidth: number;
  clientHeight: number;
  naturalWidth: number;
  naturalHeight: number;
}

/** Pixels from the left of what the box lies in to this share of the picture's width; null before there is a picture. */
export function across(image: Box, share: number): number | null {
  if (!image.naturalWidth || !image.naturalHeight) return null;
  const width = Math.min(image.clientWidth, (image.clientHeight * image.naturalWidth) / image.naturalHeight);
  return image.offsetLeft + (image.clientWidth - width) / 2 + share * width;
}
