"""Operations through which no channel can be followed, and why."""

from __future__ import annotations

from tfprune.compress.filters.operations import base


class Barrier(base.Operation):
    """What it takes and gives must stay.

    Attributes:
        reason: String, what it does.
    """

    reason = ""

    def unsupported_reason(self, call):
        return self.reason


class Mixing(Barrier):
    """Each entry of the output depends on all channels."""

    reason = "it mixes all channels"
    names = {
        *("CTCDecode", "ContrastLimitedAdaptiveHistogramEqualization", "FFT"),
        *("FFT2", "IFFT2", "IRFFT", "ISTFT", "LayerNorm"),
        *(
            "Masking",
            "MelSpectrogram",
            "Norm",
            "Normalize",
            "RFFT",
        ),
        *("RMSNorm", "STFT", "STFTSpectrogram", "UnitNormalization"),
    }


class Product(Barrier):
    """Sums of products of what is computed."""

    reason = "it sums up products of what it takes"
    names = {
        *("AdditiveAttention", "Attention", "CDist", "Correlate", "Cross"),
        *("Dot", "DotProductAttention", "Inner", "Kron"),
        *("Outer", "Tensordot", "Vdot"),
    }


class Inside(Barrier):
    """Layers of several kernels, each with channels of its own."""

    reason = "what is inside of it is not followed"
    names = {
        *("Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
        *("ConvLSTMCell", "GRUCell", "LSTMCell", "RNN", "SimpleRNNCell"),
        *("SpectralNormalization", "StackedRNNCells", "TimeDistributed"),
    }


class OfUser(Barrier):
    """What is called is the user's own."""

    reason = "it is not known what it does to channels"
    names = {
        *("AssociativeScan", "Cond", "FlaxLayer", "ForiLoop", "JVP"),
        *("JaxLayer", "Lambda", "Map", "Pipeline", "Scan", "Switch"),
        *("TFSMLayer", "TorchModuleWrapper", "VectorizedMap", "WhileLoop"),
    }


class Argument(Barrier):
    """What other layers have as weights is given to it."""

    reason = "its weights or places are arguments"
    names = {
        *("AffineTransform", "BatchNorm", "Conv", "ConvTranspose"),
        *("DepthwiseConv", "ElasticTransform", "MapCoordinates"),
        *("PerspectiveTransform", "ScaleAndTranslate", "Scatter"),
        *("ScatterUpdate", "SeparableConv", "Slice", "SliceUpdate"),
        *("TakeAlongAxis",),
    }


class Patches(Barrier):
    """Entries of different places come to lie in channels."""

    reason = "it makes channels of places"
    names = {
        *("ExtractPatches", "ExtractSequences", "Fold", "SobelEdges"),
        *("Unfold", "View", "ViewAsComplex", "ViewAsReal"),
    }


class Matrices(Barrier):
    """Functions of whole matrices, and of their diagonals."""

    reason = "it works on whole matrices"
    names = {
        *("Cholesky", "CholeskyInverse", "Corrcoef", "Det", "Diag"),
        *("Diagflat", "Diagonal", "Eig", "Eigh", "Inv", "Logdet", "Lstsq"),
        *("LuFactor", "MatrixRank", "Pinv", "Qr", "SVD", "Slogdet"),
        *("Solve", "SolveTriangular", "Trace", "Tril", "Triu", "Vander"),
    }


class Counting(Barrier):
    """Sorts or counts all that it takes; its output has another shape."""

    reason = "it counts or orders all entries"
    names = {
        *("AllClose", "Argpartition", "Bincount", "Digitize", "Histogram"),
        *("InTopK", "IsIn", "Nanpercentile", "Nanquantile", "Ndim"),
        *("Nonzero", "Percentile", "Quantile", "SearchSorted", "SegmentMax"),
        *("SegmentMin", "SegmentProd", "SegmentReduction", "SegmentSum"),
        *("Size", "TopK", "Trapezoid", "Unique", "UnravelIndex"),
    }


class Loss(Barrier):
    """A loss, or another number for a whole example."""

    reason = "it gives a number for a whole example"
    names = {
        *("BinaryCrossentropy", "CTCLoss", "CategoricalCrossentropy"),
        *("PSNR", "SSIM", "SparseCategoricalCrossentropy"),
    }


class Making(Barrier):
    """Numbers that no layer makes."""

    reason = "what it gives is not made by a layer"
    names = {
        *("Arange", "Array", "BroadcastTo", "ConvertToTensor", "Full"),
        *("Geomspace", "Linspace", "Logspace", "Meshgrid", "MultiHot"),
        *("OneHot",),
    }


class Preparing(Barrier):
    """Layers that prepare what a model takes."""

    reason = "it prepares data, not what layers make"
    names = {
        *("AugMix", "AutoContrast", "CategoryEncoding", "CutMix"),
        *("Discretization", "Equalization", "FeatureSpace", "Hashing"),
        *("HSVToRGB", "HashedCrossing", "IntegerLookup"),
        *("MaxNumBoundingBoxes", "MixUp", "RGBToGrayscale", "RGBToHSV"),
        *("RandAugment", "RandomBrightness", "RandomColorDegeneration"),
        *("RandomColorJitter", "RandomContrast", "RandomCrop"),
        *("RandomElasticTransform", "RandomErasing", "RandomFlip"),
        *("RandomGaussianBlur", "RandomGrayscale", "RandomHeight"),
        *("RandomHue", "RandomInvert", "RandomPerspective"),
        *("RandomPosterization", "RandomRotation", "RandomSaturation"),
        *("RandomSharpness", "RandomShear", "RandomTranslation"),
        *("RandomWidth", "RandomZoom", "Solarization", "StringLookup"),
        *("TFDConcat", "TFDIdentity", "TextVectorization"),
    }
