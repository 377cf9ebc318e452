"""Small models of many kinds: Keras' own layers, subclasses, KerasHub."""

import keras
from keras import layers

from tests.wrapping import layer_recipes


def transformer():
    """One block of attention and a feed-forward part."""
    tokens = keras.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8, name="tokens")(tokens)
    attended = layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, attended]))
    h = layers.Dense(16, "gelu", name="up")(x)
    x = layers.Add()([x, layers.Dense(8, name="down")(h)])
    x = layers.LayerNormalization()(x)
    return keras.Model(tokens, layers.Dense(20, name="logits")(x))


def bilstm():
    """Two recurrent layers, both ways, over words."""
    words = keras.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    x = layers.Bidirectional(layers.LSTM(4))(x)
    return keras.Model(words, layers.Dense(3)(x))


@keras.saving.register_keras_serializable("tests")
class Block(layers.Layer):
    """A user's own layer of layers."""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.convolution = layers.Conv2D(filters, 3, padding="same", name="c")
        self.normalization = layers.BatchNormalization(name="n")

    def build(self, shape):
        self.convolution.build(shape)
        self.normalization.build((*shape[:-1], self.filters))

    def call(self, x, training=False):
        x = self.normalization(self.convolution(x), training=training)
        return keras.ops.relu(x)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable("tests")
class CNN(keras.Model):
    """A subclassed net of a user's own blocks."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [Block(4, name="b1"), Block(6, name="b2")]
        self.logits = layers.Dense(3, name="logits")

    def call(self, x, training=False):
        for block in self.blocks:
            x = block(x, training=training)
        return self.logits(keras.ops.mean(x, axis=(1, 2)))


def subclassed():
    """A `CNN` that is built."""
    model = CNN()
    model(keras.ops.zeros((1, 6, 6, 2)))
    return model


subclassed.input_shape = (None, 6, 6, 2)


def blocks():
    """A Functional model of a user's own blocks."""
    x = keras.Input((6, 6, 2))
    y = Block(4, name="b1")(x)
    y = layers.GlobalAveragePooling2D()(Block(6, name="b2")(y))
    return keras.Model(x, layers.Dense(3, name="logits")(y))


def _hub(name, **config):
    """A recipe of a backbone of KerasHub, which may be missing."""

    def build():
        import keras_hub

        return getattr(keras_hub.models, name)(**config)

    return build


bert = _hub(
    "BertBackbone",
    vocabulary_size=500,
    num_layers=2,
    num_heads=2,
    hidden_dim=32,
    intermediate_dim=64,
    dropout=0.0,
    max_sequence_length=8,
)
gpt2 = _hub(
    "GPT2Backbone",
    vocabulary_size=500,
    num_layers=2,
    num_heads=2,
    hidden_dim=32,
    intermediate_dim=64,
    dropout=0.0,
    max_sequence_length=8,
)
gemma = _hub(
    "GemmaBackbone",
    vocabulary_size=500,
    num_layers=2,
    num_query_heads=2,
    num_key_value_heads=1,
    hidden_dim=32,
    intermediate_dim=64,
    head_dim=16,
)
resnet = _hub(
    "ResNetBackbone",
    input_conv_filters=[64],
    input_conv_kernel_sizes=[3],
    stackwise_num_filters=[64],
    stackwise_num_blocks=[1],
    stackwise_num_strides=[1],
    block_type="basic_block",
    image_shape=(16, 16, 3),
)

_Recipe = layer_recipes.Recipe
RECIPES = {
    "transformer": _Recipe(transformer, words=20),
    "BiLSTM": _Recipe(bilstm, words=20),
    "subclassed CNN": _Recipe(subclassed),
    "CNN of a user's blocks": _Recipe(blocks),
}
BACKBONES = {
    "BERT": _Recipe(bert, 0.97, words=2, is_slow=True),
    "GPT-2": _Recipe(gpt2, 0.97, words=2, is_slow=True),
    "Gemma": _Recipe(gemma, 0.99, words=2, is_slow=True),
    "ResNet": _Recipe(resnet, 0.99, is_slow=True),
}
RECIPES |= {f"KerasHub {name}": x for name, x in BACKBONES.items()}
