"""All that is known of the kernel's ABI, under any root directory: parsers take text, readers take a root."""
