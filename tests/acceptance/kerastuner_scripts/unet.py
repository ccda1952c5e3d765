"""A U-Net for segmentation, with a Dice loss and an IoU of its own, maximized."""

import keras
import keras_tuner as kt
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
images = rng.random((8, 8, 8, 1), dtype="float32")
masks = (images > 0.6).astype("float32")


def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = ops.sum(y_true * y_pred)
    return 1 - (2 * overlap + smooth) / (ops.sum(y_true) + ops.sum(y_pred) + smooth)


def iou(y_true, y_pred):
    y_pred = ops.cast(y_pred > 0.5, "float32")
    overlap = ops.sum(y_true * y_pred)
    return (overlap + 1) / (ops.sum(y_true) + ops.sum(y_pred) - overlap + 1)


def block(x, filters, hp):
    x = layers.Conv2D(filters, 3, padding="same", activation=hp.Choice("activation", ["relu", "elu"]))(x)
    return layers.BatchNormalization()(x) if hp.Boolean("batch_norm") else x


def build_unet(hp):
    filters = hp.Choice("filters", [2, 4])
    inputs = keras.Input((8, 8, 1))
    x, skips = inputs, []
    depth = hp.Int("depth", 1, 2)
    for level in range(depth):
        x = block(x, filters * 2**level, hp)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    for level in reversed(range(depth)):
        x = layers.UpSampling2D()(x)
        x = block(layers.concatenate([x, skips[level]]), filters * 2**level, hp)
    model = keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))
    model.compile(
        keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-2, sampling="log")), loss=dice_loss, metrics=[iou]
    )
    return model


tuner = kt.RandomSearch(
    build_unet,
    objective=kt.Objective("val_iou", direction="max"),
    max_trials=2,
    directory="unet",
    project_name="segmentation",
)
tuner.search(images, masks, validation_data=(images, masks), batch_size=8, verbose=0)
best = tuner.get_best_models(1)[0]

results = {
    "masks": best.predict(images[:2], verbose=0),
    "loss and metric": best.evaluate(images, masks, verbose=0),
    "has": {"filters", "depth", "activation", "batch_norm", "lr"}
    <= {*tuner.get_best_hyperparameters()[0].values},
}
