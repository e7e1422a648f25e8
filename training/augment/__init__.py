"""Augmentation during training: flips, crops, scale and appearance that keep every sentence true.

``flip_words`` swaps left and right in a sentence, ``crop_words`` finds what must stay in the image for a sentence,
``windows`` chooses and cuts crops, ``appearance`` changes the pixels, and ``batches`` assembles them for the training
loop. The random choices depend on (seed, step, position) alone, so that a resumed run gets the same data. Evaluation
does not use augmentation.
"""
