/** A picture of one green pixel. */
export const PICTURE = {
  data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgaGAAAAEEAIFw9selAAAAAElFTkSuQmCC',
  mimeType: 'image/png'
} as const

/** A sound of eight silent samples. */
export const SOUND = {
  data: 'UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==',
  mimeType: 'audio/wav'
} as const
